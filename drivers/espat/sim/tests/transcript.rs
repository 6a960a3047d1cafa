//! The reference transcript of the protocol document, section 10, byte for byte.

mod common;

use common::Bench;
use espat_sim::Persona;

#[test]
fn the_reference_transcript_holds() {
    for persona in [&Persona::V4_1, &Persona::V5_0] {
        let mut bench = Bench::online(persona);
        bench.set(&["AT+CIPRECVTYPE=5,1"]);
        let listener = bench.serve(7);
        let said = bench.ask("AT+CIPSTART=4,\"TCP\",\"10.0.0.9\",7");
        assert_eq!(said, "4,CONNECT\r\n\r\nOK\r\n");
        let peer = bench.caller(listener);
        assert_eq!(bench.ask("AT+CIPSEND=4,3"), "\r\nOK\r\n\r\n>");
        assert_eq!(bench.chunk(b"abc"), "\r\nRecv 3 bytes\r\n\r\nSEND OK\r\n");
        assert_eq!(bench.received(peer), b"abc");
        bench.send(peer, b"abc");
        assert_eq!(bench.run(5), "\r\n+IPD,4,3\r\n");
        assert_eq!(bench.ask("AT+CIPRECVDATA=4,2048"), "+CIPRECVDATA:3,abc\r\nOK\r\n");
        assert_eq!(bench.ask("AT+CIPCLOSE=4"), "4,CLOSED\r\n\r\nOK\r\n");
        assert_eq!(bench.offences(), []);
    }
}
