//! Benchmarks of the house and the report of their figures.
