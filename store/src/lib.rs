//! The database behind one door: connection, transactions, migrations, clock.
