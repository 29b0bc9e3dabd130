//! Compresses the kit's pages.

fn main() -> std::io::Result<()> {
    #[cfg(feature = "pages")]
    page_files::embed("web")?;
    Ok(())
}
