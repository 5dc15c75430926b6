//! What a mail says, who gets it, and that each of its numbers is one that a search finds.

mod crash;
mod faults;
mod nginx;
mod numbers;
