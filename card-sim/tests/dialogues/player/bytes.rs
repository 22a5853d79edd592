//! Bytes as dialogues write them: hex, `[…]` with a length in front, `FF*32`.

/// Reads an expression; the error says what is wrong with it.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let spaced = text.replace('[', " [ ").replace(']', " ] ");
    let mut tokens = spaced.split_whitespace();
    let out = sequence(&mut tokens)?;
    match tokens.next() {
        None => Ok(out),
        Some(token) => Err(format!("`{token}` without its `[`")),
    }
}

/// Up to the end or a closing bracket, which the caller has to look for.
fn sequence<'a>(tokens: &mut (impl Iterator<Item = &'a str> + Clone)) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    loop {
        let mut ahead = tokens.clone();
        match ahead.next() {
            None | Some("]") => return Ok(out),
            Some("[") => {
                *tokens = ahead;
                let inner = sequence(tokens)?;
                if tokens.next() != Some("]") {
                    return Err("`[` without its `]`".to_owned());
                }
                let length = u8::try_from(inner.len()).map_err(|_| format!("{} bytes in `[…]`", inner.len()))?;
                out.push(length);
                out.extend(inner);
            }
            Some(token) => {
                *tokens = ahead;
                out.extend(repeated(token)?);
            }
        }
    }
}

fn repeated(token: &str) -> Result<Vec<u8>, String> {
    let (hex, count) = token.split_once('*').unwrap_or((token, "1"));
    let count: usize = count.parse().map_err(|_| format!("`{token}` does not say how often"))?;
    Ok(hex::decode(hex).map_err(|error| format!("`{token}`: {error}"))?.repeat(count))
}

#[test]
fn brackets_count() {
    assert_eq!(
        bytes("00E0 0000 [62 [82[38] 83[3F00]]]").unwrap(),
        hex::decode("00E0000009620782013883023F00").unwrap()
    );
    assert_eq!(bytes("AB*3 00").unwrap(), [0xAB, 0xAB, 0xAB, 0x00]);
    for wrong in ["[00", "00]", "0", "xx", "00*x"] {
        assert!(bytes(wrong).is_err(), "{wrong}");
    }
}
