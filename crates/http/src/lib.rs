//! Accept loop, layers, extractors and routes of the REST API.
