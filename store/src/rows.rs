//! Several rows in one INSERT: the trip to the engine and back costs more than the row.

/// The VALUES of `rows` rows: each begins with the same `shared` parameters (`$1`…) and goes on with `own` parameters of its own.
///
/// The text holds nothing but numbers, and there is one text for each number of rows, so the engine keeps its statement.
#[must_use]
pub fn placeholders(rows: usize, shared: usize, own: usize) -> String {
    let row = |number: usize| {
        let first = shared + number * own;
        let parameters = (1..=shared).chain(first + 1..=first + own).map(|number| format!("${number}"));
        format!("({})", parameters.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::placeholders;

    #[test]
    fn shared_parameters_come_first_in_every_row() {
        assert_eq!(placeholders(1, 1, 2), "($1, $2, $3)");
        assert_eq!(placeholders(3, 2, 1), "($1, $2, $3), ($1, $2, $4), ($1, $2, $5)");
    }
}
