//! Writes the seeds of one run into a folder, for libFuzzer: `innkeeper-fuzz-seeds RUN FOLDER`.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use innkeeper_fuzz::{Run, runs};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [name, folder] = &words[..] else {
        return Err("usage: innkeeper-fuzz-seeds RUN FOLDER".into());
    };
    let run = runs().into_iter().find(|run| run.name() == *name);
    let seeds = run.as_ref().map(Run::seeds);
    let seeds = seeds.ok_or("fuzz/runs lists no such run")?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(Path::new(folder).join(format!("seed-{number}")), seed)?;
    }
    println!("{} seeds", seeds.len());
    Ok(())
}
