#[test]
fn gives_back() {
    let owner: Option<u32> = None;
    owner.expect("an owner");
}
