//! The router as a whole: real sockets, scripted dynos, its own control protocol and log spool.

mod abuse;
mod codes;
mod control;
mod drain;
mod exchange;
mod keepalive;
mod publish;
mod support;
mod tls;
mod websocket;
