//! The JSON of the REST API as types.
