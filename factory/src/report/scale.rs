//! Round numbers for axes, and counting things into the spaces between them.

/// Ticks of an axis from 0: about five, each 1, 2 or 5 times a power of ten, the last at or above `most`.
pub(super) fn ticks(most: u64) -> Vec<u64> {
    let step = nice(most.div_ceil(5).max(1));
    let count = most.div_ceil(step).max(1);
    (0..=count).map(|number| number * step).collect()
}

/// The smallest of 1, 2, 5, 10, 20, 50, … that is at least `least`.
pub(super) fn nice(least: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let number = power.saturating_mul(factor);
            if number >= least {
                return number;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// Values in classes of equal width from 0; the last class has all that is above the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Classes {
    /// Width of a class.
    pub(super) width: u64,
    /// Values in each.
    pub(super) counts: Vec<u64>,
    /// Values above the last.
    pub(super) above: u64,
}

/// Counts ascending values into at most `classes_max` classes that reach beyond 99 of 100 of them: one card that waited for lunch must not
/// flatten all others.
pub(super) fn classes(ascending: &[u64], classes_max: usize) -> Classes {
    let most = quantile(ascending, 99).unwrap_or_default();
    let classes_wanted = u64::try_from(classes_max).unwrap_or(u64::MAX).max(1);
    let width = nice((most + 1).div_ceil(classes_wanted));
    let count = usize::try_from(most / width).unwrap_or_default() + 1;
    let mut counts = vec![0; count];
    let mut above = 0;
    for value in ascending {
        match usize::try_from(value / width).ok().and_then(|class| counts.get_mut(class)) {
            Some(class) => *class += 1,
            None => above += 1,
        }
    }
    Classes { width, counts, above }
}

/// The value that `percent` of ascending values do not exceed.
pub(super) fn quantile(ascending: &[u64], percent: usize) -> Option<u64> {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).copied()
}

/// Lengths of time that people count in, in seconds.
const PERIODS_S: [i64; 13] = [1, 2, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 86_400, 604_800];

/// Moments, ascending, counted by periods of equal length: the beginning of the first, the length of a period in seconds, and the counts.
pub(super) fn over_time(ascending_s: &[i64], periods_max: usize) -> Option<(i64, i64, Vec<u64>)> {
    let (first, last) = (*ascending_s.first()?, *ascending_s.last()?);
    let most = i64::try_from(periods_max).unwrap_or(i64::MAX).max(1);
    let fits = |length: &i64| last.div_euclid(*length) - first.div_euclid(*length) < most;
    let longest = PERIODS_S.last().copied().unwrap_or(1);
    let length = PERIODS_S.into_iter().find(fits).unwrap_or(((last - first) / most / longest + 1) * longest);
    let begin = first.div_euclid(length) * length;
    let mut counts = vec![0; usize::try_from((last - begin) / length).unwrap_or_default() + 1];
    for moment in ascending_s {
        if let Some(count) = usize::try_from((moment - begin) / length).ok().and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    Some((begin, length, counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers_and_reach_the_top() {
        assert_eq!([0, 1, 3, 7, 11, 60, 1_001].map(nice), [1, 1, 5, 10, 20, 100, 2_000]);
        for most in [0, 1, 4, 5, 6, 99, 100, 101, 12_345, u64::from(u32::MAX)] {
            let ticks = ticks(most);
            assert!((2..=7).contains(&ticks.len()) && *ticks.last().unwrap() >= most, "{most}: {ticks:?}");
        }
    }

    #[test]
    fn every_value_is_counted_once() {
        let values: Vec<u64> = (0..1_000).chain([1_000_000]).collect();
        let classes = classes(&values, 20);
        assert_eq!((classes.width, classes.counts.len()), (50, 20));
        assert_eq!(classes.counts.iter().sum::<u64>() + classes.above, 1_001);
        assert_eq!(classes.above, 1);
        assert_eq!(super::classes(&[], 20), Classes { width: 1, counts: vec![0], above: 0 });
        assert_eq!((quantile(&values, 50), quantile(&[], 50), quantile(&[7], 99)), (Some(500), None, Some(7)));
    }

    #[test]
    fn time_is_cut_into_periods_that_people_know() {
        assert_eq!(over_time(&[], 60), None);
        assert_eq!(over_time(&[100], 60), Some((100, 1, vec![1])));
        assert_eq!(over_time(&[100, 102, 102], 60), Some((100, 1, vec![1, 0, 2])));
        let (begin, length, counts) = over_time(&[0, 3_600, 90_000], 60).unwrap();
        assert_eq!((begin, length, counts.len(), counts.iter().sum::<u64>()), (0, 1_800, 51, 3));
        let (_, length, counts) = over_time(&[0, 4_000_000_000], 60).unwrap();
        assert!(counts.len() <= 60 && length % 604_800 == 0, "{length} {}", counts.len());
    }
}
