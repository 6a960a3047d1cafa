//! The station, scans, and the modem's own access point (protocol section 7.2).

mod common;

use common::Bench;
use espat_sim::{AccessPoint, Config, Persona};

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";
const JOINED: &str = "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n";

fn station(persona: &'static Persona) -> Bench {
    let mut bench = Bench::new(persona);
    bench.set(&["AT+CWMODE=1"]);
    bench
}

fn join(bench: &mut Bench, ssid: &str, passphrase: &str) -> String {
    bench.ask_for(&format!("AT+CWJAP=\"{ssid}\",\"{passphrase}\""), 300)
}

#[test]
fn joining_says_connected_got_ip_and_ok() {
    for persona in Persona::ALL {
        let mut bench = station(persona);
        assert_eq!(join(&mut bench, "test-ap", "test-pass"), JOINED, "{}", persona.name);
        assert_eq!(bench.offences(), []);
    }
}

#[test]
fn joining_fails_as_the_firmware_fails() {
    for (persona, end) in [(&Persona::V4_1, ERROR), (&Persona::V1_7, "\r\nFAIL\r\n")] {
        let mut bench = station(persona);
        assert_eq!(join(&mut bench, "test-ap", "wrong-pass"), format!("+CWJAP:2\r\n{end}"));
        assert_eq!(join(&mut bench, "no-such-ap", "test-pass"), format!("+CWJAP:3\r\n{end}"));
        assert_eq!(bench.run(20_000), "", "it stops trying");
        assert_eq!(bench.offences(), []);
    }
}

#[test]
fn without_a_lease_a_join_times_out() {
    let mut bench = station(&Persona::V4_1);
    bench.monitor.set_leases(false);
    let said = bench.ask_for("AT+CWJAP=\"test-ap\",\"test-pass\",,,,,,3", 4000);
    assert_eq!(said, format!("WIFI CONNECTED\r\n+CWJAP:1\r\n{ERROR}WIFI DISCONNECT\r\n"));
}

#[test]
fn a_lease_that_comes_late_still_counts() {
    let mut bench = station(&Persona::V4_1);
    bench.monitor.set_leases(false);
    assert_eq!(bench.ask_for("AT+CWJAP=\"test-ap\",\"test-pass\"", 2000), "WIFI CONNECTED\r\n");
    assert_eq!(bench.chunk(b"AT\r\n"), "\r\nbusy p...\r\n");
    bench.monitor.set_leases(true);
    assert_eq!(bench.run(200), format!("WIFI GOT IP\r\n{OK}"));
}

#[test]
fn who_is_joined_leaves_before_joining_again() {
    let mut bench = station(&Persona::V4_1);
    join(&mut bench, "test-ap", "test-pass");
    assert_eq!(join(&mut bench, "test-ap", "test-pass"), format!("WIFI DISCONNECT\r\n{JOINED}"));
}

#[test]
fn the_last_configuration_can_be_joined_again() {
    let mut bench = station(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CWJAP"), ERROR, "there is none yet");
    join(&mut bench, "test-ap", "test-pass");
    assert_eq!(bench.ask("AT+CWQAP"), format!("{OK}WIFI DISCONNECT\r\n"));
    assert_eq!(bench.ask_for("AT+CWJAP", 300), JOINED);
}

#[test]
fn station_commands_need_the_station() {
    let mut bench = Bench::new(&Persona::V4_1);
    for line in ["AT+CWJAP=\"test-ap\",\"test-pass\"", "AT+CWJAP?", "AT+CWQAP", "AT+CWLAP"] {
        assert_eq!(bench.ask(line), ERROR, "{line}");
    }
    bench.set(&["AT+CWMODE=2"]);
    assert_eq!(bench.ask("AT+CWHOSTNAME=\"x\""), ERROR);
}

#[test]
fn the_joined_network_is_told_with_as_many_fields_as_the_release_has() {
    for (persona, numbers) in [
        (&Persona::V1_7, "6,-42,0"),
        (&Persona::V2_1, "6,-42,0,1,3,0"),
        (&Persona::V4_1, "6,-42,0,1,3,0,0"),
    ] {
        let mut bench = station(persona);
        let nobody = bench.ask("AT+CWJAP?");
        let expected = if persona.name == "1.7" { "No AP\r\n\r\nOK\r\n" } else { OK };
        assert_eq!(nobody, expected);
        join(&mut bench, "test-ap", "test-pass");
        let said = bench.ask("AT+CWJAP?");
        let expected = format!("+CWJAP:\"test-ap\",\"02:00:5e:10:20:30\",{numbers}\r\n{OK}");
        assert_eq!(said, expected);
    }
}

#[test]
fn the_state_is_told_by_number() {
    let mut bench = station(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CWSTATE?"), format!("+CWSTATE:0,\"\"\r\n{OK}"));
    join(&mut bench, "test-ap", "test-pass");
    assert_eq!(bench.ask("AT+CWSTATE?"), format!("+CWSTATE:2,\"test-ap\"\r\n{OK}"));
    bench.monitor.vanish();
    assert_eq!(bench.run(5), "WIFI DISCONNECT\r\n");
    assert_eq!(bench.ask("AT+CWSTATE?"), format!("+CWSTATE:3,\"test-ap\"\r\n{OK}"));
    bench.ask("AT+CWQAP");
    assert_eq!(bench.ask("AT+CWSTATE?"), format!("+CWSTATE:4,\"test-ap\"\r\n{OK}"));
}

#[test]
fn a_network_that_vanishes_is_said_once_and_joined_again_when_it_is_back() {
    let mut bench = Bench::online(&Persona::V4_1);
    bench.link(4, 80);
    bench.monitor.vanish();
    assert_eq!(bench.run(10_000), "WIFI DISCONNECT\r\n4,CLOSED\r\n");
    assert_eq!(bench.ask("AT+CIPSTART=4,\"TCP\",\"10.0.0.9\",80"), ERROR);
    bench.monitor.come_back();
    assert_eq!(bench.run(2000), "WIFI CONNECTED\r\nWIFI GOT IP\r\n");
}

#[test]
fn without_an_interval_nothing_is_tried_again() {
    let mut bench = station(&Persona::V4_1);
    join(&mut bench, "test-ap", "test-pass");
    bench.set(&["AT+CWRECONNCFG=0,0"]);
    bench.monitor.set_in_reach("test-ap", false);
    assert_eq!(bench.run(1000), "WIFI DISCONNECT\r\n");
    bench.monitor.set_in_reach("test-ap", true);
    assert_eq!(bench.run(10_000), "");
    assert_eq!(bench.ask("AT+CWRECONNCFG?"), format!("+CWRECONNCFG:0,0\r\n{OK}"));
}

#[test]
fn attempts_to_join_again_are_counted() {
    let mut bench = station(&Persona::V4_1);
    join(&mut bench, "test-ap", "test-pass");
    bench.set(&["AT+CWRECONNCFG=1,3"]);
    bench.monitor.vanish();
    assert_eq!(bench.run(10_000), "WIFI DISCONNECT\r\n");
    bench.monitor.come_back();
    assert_eq!(bench.run(10_000), "", "three attempts are over");
}

#[test]
fn switching_the_station_off_leaves() {
    let mut bench = Bench::online(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CWMODE=0"), format!("WIFI DISCONNECT\r\n{OK}"));
    assert_eq!(bench.ask_for("AT+CWMODE=1", 300), format!("{OK}WIFI CONNECTED\r\nWIFI GOT IP\r\n"));
    bench.ask("AT+CWMODE=2");
    assert_eq!(bench.ask_for("AT+CWMODE=3,0", 300), OK, "not by itself");
}

#[test]
fn scans_tell_what_is_in_reach_the_strongest_first() {
    let mut config = Config::new(&Persona::V4_1);
    let mut near = AccessPoint::new("near", "12345678");
    near.bssid = [2, 0, 0, 0, 0, 1];
    let mut far = AccessPoint::new("far, \"away\"", "");
    (far.rssi, far.channel) = (-80, 11);
    config.access_points = vec![far, near];
    let mut bench = Bench::with(config);
    bench.set(&["AT+CWMODE=1"]);
    let near = "+CWLAP:(3,\"near\",-42,\"02:00:00:00:00:01\",6,-1,-1,4,4,7,0)\r\n";
    let far = "+CWLAP:(0,\"far, \"away\"\",-80,\"02:00:5e:10:20:30\",11,-1,-1,0,0,7,0)\r\n";
    assert_eq!(bench.ask_for("AT+CWLAP", 2000), format!("{near}{far}{OK}"));
    assert_eq!(bench.ask_for("AT+CWLAP=\"near\"", 2000), format!("{near}{OK}"));
    assert_eq!(bench.ask_for("AT+CWLAP=,,11", 2000), format!("{far}{OK}"));
    assert_eq!(bench.ask_for("AT+CWLAP=\"none\"", 2000), OK);
    bench.set(&["AT+CWLAPOPT=1,31,-60"]);
    let short = "+CWLAP:(3,\"near\",-42,\"02:00:00:00:00:01\",6)\r\n";
    assert_eq!(bench.ask_for("AT+CWLAP", 2000), format!("{short}{OK}"));
}

#[test]
fn the_old_release_has_seven_fields_in_a_scan() {
    let mut bench = station(&Persona::V1_7);
    let line = "+CWLAP:(3,\"test-ap\",-42,\"02:00:5e:10:20:30\",6,-1,-1)\r\n";
    assert_eq!(bench.ask_for("AT+CWLAP", 2000), format!("{line}{OK}"));
}

#[test]
fn addresses_are_told_and_set() {
    let mut bench = Bench::online(&Persona::V4_1);
    let lease = "+CIPSTA:ip:\"10.0.0.2\"\r\n+CIPSTA:gateway:\"10.0.0.1\"\r\n\
                 +CIPSTA:netmask:\"255.255.255.0\"\r\n";
    assert_eq!(bench.ask("AT+CIPSTA?"), format!("{lease}{OK}"));
    bench.set(&["AT+CIPSTA=\"10.0.0.77\",\"10.0.0.254\",\"255.255.0.0\""]);
    let fixed = "+CIPSTA:ip:\"10.0.0.77\"\r\n+CIPSTA:gateway:\"10.0.0.254\"\r\n\
                 +CIPSTA:netmask:\"255.255.0.0\"\r\n";
    assert_eq!(bench.ask("AT+CIPSTA?"), format!("{fixed}{OK}"));
    assert_eq!(bench.ask("AT+CWDHCP?"), format!("+CWDHCP:2{OK}"));
    bench.set(&["AT+CWDHCP=1,1"]);
    assert_eq!(bench.ask("AT+CIPSTA?"), format!("{lease}{OK}"));
    for bad in ["\"10.0.0\"", "10.0.0.77", "\"10.0.0.77\",\"x\""] {
        assert_eq!(bench.ask(&format!("AT+CIPSTA={bad}")), ERROR, "{bad}");
    }
}

#[test]
fn interfaces_are_told_by_mode() {
    let mut bench = Bench::online(&Persona::V4_1);
    let station = "+CIFSR:STAIP,\"10.0.0.2\"\r\n+CIFSR:STAMAC,\"24:0a:c4:01:02:04\"\r\n";
    assert_eq!(bench.ask("AT+CIFSR"), format!("{station}{OK}"));
    bench.ask("AT+CWMODE=3");
    let own = "+CIFSR:APIP,\"192.168.4.1\"\r\n+CIFSR:APMAC,\"24:0a:c4:01:02:05\"\r\n";
    assert_eq!(bench.ask("AT+CIFSR"), format!("{own}{station}{OK}"));
    let mut offline = Bench::new(&Persona::V4_1);
    offline.set(&["AT+CWMODE=1"]);
    assert!(offline.ask("AT+CIFSR").starts_with("+CIFSR:STAIP,\"0.0.0.0\"\r\n"));
}

#[test]
fn hardware_addresses_are_lower_case_and_individual() {
    let mut bench = station(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CIPSTAMAC?"), format!("+CIPSTAMAC:\"24:0a:c4:01:02:04\"\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPAPMAC?"), format!("+CIPAPMAC:\"24:0a:c4:01:02:05\"\r\n{OK}"));
    bench.set(&["AT+CIPSTAMAC=\"1A:FE:35:98:D3:7B\""]);
    assert_eq!(bench.ask("AT+CIPSTAMAC?"), format!("+CIPSTAMAC:\"1a:fe:35:98:d3:7b\"\r\n{OK}"));
    assert_eq!(bench.ask("AT+CIPSTAMAC=\"1b:fe:35:98:d3:7b\""), ERROR, "a group address");
}

#[test]
fn an_access_point_of_its_own_has_guests() {
    let mut bench = Bench::new(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CWSAP?"), ERROR, "not in that mode");
    bench.set(&["AT+CWMODE=2", "AT+CWSAP=\"mine\",\"12345678\",5,3"]);
    assert_eq!(bench.ask("AT+CWSAP?"), format!("+CWSAP:\"mine\",\"12345678\",5,3,4,0\r\n{OK}"));
    let mac = [2, 0x1B, 0, 0, 0, 9];
    bench.monitor.station_joins(mac, [192, 168, 4, 2].into());
    let said = "+STA_CONNECTED:\"02:1b:00:00:00:09\"\r\n\
                +DIST_STA_IP:\"02:1b:00:00:00:09\",\"192.168.4.2\"\r\n";
    assert_eq!(bench.run(5), said);
    assert_eq!(bench.ask("AT+CWLIF"), format!("+CWLIF:192.168.4.2,02:1b:00:00:00:09\r\n{OK}"));
    bench.monitor.station_leaves(mac);
    assert_eq!(bench.run(5), "+STA_DISCONNECTED:\"02:1b:00:00:00:09\"\r\n");
    assert_eq!(bench.ask("AT+CWLIF"), OK);
    assert_eq!(bench.ask("AT+CWSAP=\"mine\",\"short\",5,3"), ERROR);
    assert_eq!(bench.ask("AT+CWSAP=\"mine\",\"12345678\",5,1"), ERROR, "no WEP");
    assert_eq!(bench.ask("AT+CIPAP?").lines().next(), Some("+CIPAP:ip:\"192.168.4.1\""));
}

#[test]
fn guests_can_be_sent_away() {
    let mut bench = Bench::new(&Persona::V4_1);
    bench.set(&["AT+CWMODE=2"]);
    for last in [1, 2] {
        bench.monitor.station_joins([2, 0, 0, 0, 0, last], [192, 168, 4, 1 + last].into());
    }
    bench.run(5);
    let said = bench.ask("AT+CWQIF=\"02:00:00:00:00:01\"");
    assert_eq!(said, format!("+STA_DISCONNECTED:\"02:00:00:00:00:01\"\r\n{OK}"));
    let said = bench.ask("AT+CWQIF");
    assert_eq!(said, format!("+STA_DISCONNECTED:\"02:00:00:00:00:02\"\r\n{OK}"));
}

#[test]
fn dhcp_bits_are_the_other_way_round_in_1_7() {
    let mut bench = Bench::new(&Persona::V4_1);
    bench.set(&["AT+CWMODE=1", "AT+CWDHCP=0,2"]);
    assert_eq!(bench.ask("AT+CWDHCP?"), format!("+CWDHCP:1{OK}"), "the station alone");
    let mut bench = Bench::new(&Persona::V1_7);
    bench.set(&["AT+CWDHCP_CUR=0,0"]);
    assert_eq!(bench.ask("AT+CWDHCP_CUR?"), format!("+CWDHCP_CUR:2\r\n{OK}"), "the station alone");
}

#[test]
fn small_settings_are_told_in_their_own_forms() {
    let mut bench = station(&Persona::V4_1);
    assert_eq!(bench.ask("AT+CWHOSTNAME?"), format!("+CWHOSTNAME:ESP-010204\r\n{OK}"));
    bench.set(&["AT+CWHOSTNAME=\"lamp\""]);
    assert_eq!(bench.ask("AT+CWHOSTNAME?"), format!("+CWHOSTNAME:lamp\r\n{OK}"));
    bench.set(&["AT+CWMODE=3", "AT+CWDHCPS=1,10,\"192.168.4.10\",\"192.168.4.20\""]);
    assert_eq!(bench.ask("AT+CWDHCPS?"), format!("+CWDHCPS:10,192.168.4.10,192.168.4.20{OK}"));
    bench.set(&["AT+CWCOUNTRY=1,\"DE\",1,13"]);
    assert_eq!(bench.ask("AT+CWCOUNTRY?"), format!("+CWCOUNTRY:1,\"DE\",1,13\r\n{OK}"));
}
