//! What every session store promises, a reference store in memory, and the conformance suite.
