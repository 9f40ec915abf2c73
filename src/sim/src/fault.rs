//! What goes wrong, and at which command.
