//! Lines of scripts.

use super::*;

#[test]
fn scripts_have_the_commands_of_the_chat_and_their_own() {
    assert_eq!(parse("hello there"), Ok(Step::Send("hello there".into())));
    assert_eq!(parse("/wait-live"), Ok(Step::WaitLive));
    assert_eq!(parse("/wait two words"), Ok(Step::WaitText("two words".into())));
    assert_eq!(parse("/dm ada"), Ok(Step::Do(Command::Direct("ada".into()))));
    assert_eq!(parse("//wait"), Ok(Step::Send("/wait".into())));
    assert!(parse("/wait").is_err());
    assert!(parse("/edit").is_err());
}
