//! Start-up: hands the command line to the library.

fn main() -> std::process::ExitCode {
    bot_bottle::cli::main()
}
