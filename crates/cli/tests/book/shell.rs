//! One shell, as the reader has it open: what is set in one example is there in the next.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What no example prints by itself.
const END: &str = "--end-of-example--";

pub(crate) struct Shell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What a command did.
pub(crate) struct Ran {
    /// Both its streams, in the order in which it wrote.
    pub(crate) printed: String,
    pub(crate) status: i32,
}

impl Shell {
    /// Opens a shell in `folder`, with the binary under test first on its path.
    pub(crate) fn start(folder: &Path) -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_innkeeper"));
        let own = binary.parent().expect("a binary lies in a folder");
        let system = std::env::var("PATH").expect("there is a path");
        let mut child = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .env_clear()
            .env("PATH", format!("{}:{system}", own.display()))
            .env("HOME", folder)
            .env("LANG", "C.UTF-8")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("bash is there");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut shell = Self {
            child,
            input,
            output,
        };
        shell.run("exec 2>&1");
        shell
    }

    /// Types `command`, and waits for its end.
    pub(crate) fn run(&mut self, command: &str) -> Ran {
        // Without input of its own, a command would read what is typed after it.
        let typed = format!("{{\n{command}\n}} < /dev/null\nprintf '\\n{END}%d\\n' $?\n");
        self.input
            .write_all(typed.as_bytes())
            .expect("the shell reads");
        let mut printed = String::new();
        for line in self.output.by_ref().lines() {
            let line = line.expect("examples print text");
            if let Some(status) = line.strip_prefix(END) {
                let status = status.parse().expect("a status is a number");
                return Ran { printed, status };
            }
            printed.push_str(&line);
            printed.push('\n');
        }
        panic!("the shell is gone after:\n{command}\n{printed}");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
