//! A token: card, faults and its log of commands, ready to be plugged into a front end.
