//! A vendor's library that hangs or crashes costs a worker, not the line.

use crate::faulty::Faulty;
use crate::return_values::card;
use crate::site::{Site, site_test};
use fuda_kms::{Error, Hsm, PoolError};

fn start(site: &Site, workers: u16) -> (Faulty, Hsm) {
    site.init(&["issuer", "ap/ticket"]);
    let faulty = Faulty::before(site);
    (faulty, site.pool(workers).unwrap())
}

site_test! {
    fn a_library_that_hangs_is_timed_out_and_another_worker_answers(site) {
        let (faulty, hsm) = start(site, 2);
        faulty.next_does("C_WrapKey", "hang");
        card(&hsm).unwrap();
        let metrics = hsm.metrics();
        let counts = (metrics.timeouts, metrics.deaths, metrics.failures, faulty.recover());
        assert_eq!(counts, (1, 0, 0, 0), "{metrics:?}");
        card(&hsm).unwrap();
    }
}

site_test! {
    fn a_library_that_crashes_is_loaded_anew(site) {
        let (faulty, hsm) = start(site, 1);
        for function in ["C_OpenSession", "C_DeriveKey", "C_SignInit", "C_WrapKey", "C_Encrypt", "C_CloseSession"] {
            let before = hsm.metrics();
            faulty.next_does(function, "crash");
            card(&hsm).unwrap_or_else(|error| panic!("{function}: {error}"));
            let after = hsm.metrics();
            assert_eq!((after.deaths, after.failures, faulty.recover()), (before.deaths + 1, 0, 0), "{function}");
        }
    }
}

site_test! {
    fn a_request_that_kills_every_worker_is_given_up_and_the_next_one_is_served(site) {
        let (faulty, hsm) = start(site, 2);
        faulty.always_does("C_WrapKey", "crash");
        let error = card(&hsm).unwrap_err();
        assert!(matches!(error, Error::Pool(PoolError::GivenUp { attempts: 3, .. })), "{error}");
        assert_eq!(faulty.recover(), 1);
        card(&hsm).unwrap();
        assert_eq!(hsm.metrics().deaths, 3);
    }
}
