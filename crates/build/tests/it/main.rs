//! Builds of the fixture apps with real containers, networks, stacks and Pythons.

mod apps;
mod lab;
mod limits;
