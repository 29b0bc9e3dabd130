//! Compiles the service for this processor, unless that was done before, and prints where the file is.

use std::io::Write;

fn main() -> anyhow::Result<()> {
    let compiled = testkit::aot::service()?;
    writeln!(std::io::stdout(), "{}", compiled.display())?;
    Ok(())
}
