//! Writes the API's description: `cargo run --package tests --bin openapi`.

fn main() -> std::io::Result<()> {
    std::fs::write(tests::contract::file(), tests::contract::description())
}
