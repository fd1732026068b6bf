use super::{Buffer, HeadScan};

#[test]
fn bytes_come_out_in_the_order_they_went_in() {
    let (mut buffer, mut model) = (Buffer::default(), Vec::new());
    for round in 0..1000_usize {
        let piece: Vec<u8> = (0..round % 37).map(|at| (round + at) as u8).collect();
        buffer.extend(&piece);
        model.extend_from_slice(&piece);
        let eaten = (round * 7) % 31;
        buffer.consume(eaten);
        model.drain(..eaten.min(model.len()));
        assert_eq!(buffer.data(), model);
    }
}

#[test]
fn an_empty_buffer_gives_large_memory_back() {
    let mut buffer = Buffer::default();
    buffer.extend(&[0; 100_000]);
    buffer.consume(100_000);
    assert!(buffer.tail().capacity() >= 100_000);
    buffer.rest();
    assert_eq!(buffer.tail().capacity(), 0);
}

#[test]
fn a_head_in_pieces_is_parsed_when_its_end_is_there() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut scan = HeadScan::default();
    let ready: Vec<bool> = (1..=head.len()).map(|seen| scan.ready(&head[..seen])).collect();
    let tries = ready.iter().filter(|ready| **ready).count();
    assert_eq!((tries, ready.first(), ready.last()), (2, Some(&true), Some(&true)));
}
