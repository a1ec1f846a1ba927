//! Start-up: hands the command line to the library.

fn main() {}
