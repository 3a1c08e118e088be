//! The product on a real cluster, as a user meets it. One binary, so that it is linked once, and the charts are installed once.
//! `make test` runs first the tests of `alone`, one after the other, then those of `beside`, several at a time.

mod alone;
mod beside;
