//! The innkeeper binary.

mod args;
mod config;
mod shown;

use std::process::ExitCode;

use args::{Command, ServeArguments};
use config::{Config, Doors, Refused};

/// Wrong usage or configuration.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = match args::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    match arguments.command {
        Command::Serve(serve) => match configuration(&serve) {
            Ok(config) => {
                println!("{}", config.effective_toml());
                ExitCode::SUCCESS
            }
            Err(refused) => {
                eprintln!("configuration refused\n{refused}");
                ExitCode::from(EXIT_USAGE)
            }
        },
        Command::Sessions(_) | Command::Subjects(_) | Command::Keys(_) => {
            eprintln!("this command is not wired yet");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn configuration(serve: &ServeArguments) -> Result<Config, Refused> {
    Config::load(Doors {
        file: serve.config.as_deref(),
        environment: std::env::vars_os().collect(),
        listen: serve.listen,
        data: serve.data.clone(),
    })
}
