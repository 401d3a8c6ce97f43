//! What operators may do: names of groups in the user pool.

/// Load, send, and see what became of it: "390, Send Account Portal Invitations".
pub const SEND_INVITATIONS: &str = "390";

/// Keep divisions and accounts.
pub const DIRECTORY: &str = "directory";
