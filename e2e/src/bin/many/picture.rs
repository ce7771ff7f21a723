//! Pictures of a measurement over time, as SVG.
