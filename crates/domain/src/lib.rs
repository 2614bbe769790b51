//! Sessions and the rules about them: pure decisions from values.
