//! A long way between terminal and centre: every piece of a connection arrives so much later, in both directions.

use crate::doing::Doing;
use fuda_cli::Failure;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Stands in front of an address; gives its own. It ends with the process.
///
/// # Errors
/// When it cannot listen.
pub fn stand_before(centre: SocketAddr, one_way: Duration) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing("listen")?;
    let address = listener.local_addr().doing("listen")?;
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            // A centre that is gone is a connection that ends.
            let Ok(far) = TcpStream::connect(centre) else { continue };
            for (from, to) in [(&near, &far), (&far, &near)] {
                if let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) {
                    carry(from, to, one_way);
                }
            }
        }
    });
    Ok(address)
}

/// Carries one direction: what comes is read at once and written when its time has come.
fn carry(mut from: TcpStream, mut to: TcpStream, late: Duration) {
    // As much as the two ends of one connection have under way.
    let (sender, pieces) = channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut piece = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut piece) {
            let bytes = piece.get(..read).unwrap_or_default().to_vec();
            if sender.send((Instant::now() + late, bytes)).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        let _ = to.set_nodelay(true);
        for (due, bytes) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
