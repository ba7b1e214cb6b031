//! The tools against the stand-in.
