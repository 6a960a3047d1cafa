//! The methods of every service: their numbers, names and signatures, and who has them.

use crate::persona::Persona;

/// One method. `request` and `reply` list kinds of values; see [`Kind`](crate::codec::Kind).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    pub(crate) id: u8,
    pub(crate) name: &'static str,
    pub(crate) request: &'static str,
    pub(crate) reply: &'static str,
}

/// What a host may ask for by that pair of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    Method(&'static Method),
    UnknownMethod,
    /// The firmware has it, the model has not: Bluetooth.
    NotModelled,
    UnknownService,
}

pub(crate) const SYSTEM: u8 = 1;
pub(crate) const WIFI_DRV: u8 = 14;
pub(crate) const WIFI_TCPIP: u8 = 15;
pub(crate) const WIFI_LWIP: u8 = 16;
pub(crate) const WIFI_MBEDTLS: u8 = 17;
pub(crate) const WIFI_MDNS: u8 = 18;

/// Looks a method up in what `persona` has.
pub(crate) fn find(persona: &Persona, service: u8, method: u8) -> Found {
    let table = match service {
        SYSTEM => SYSTEM_METHODS,
        2..=12 => return Found::NotModelled,
        WIFI_DRV => WIFI_DRV_METHODS,
        WIFI_TCPIP => WIFI_TCPIP_METHODS,
        WIFI_LWIP => WIFI_LWIP_METHODS,
        WIFI_MBEDTLS => WIFI_MBEDTLS_METHODS,
        WIFI_MDNS if persona.mdns => WIFI_MDNS_METHODS,
        _ => return Found::UnknownService,
    };
    let found = table.iter().find(|entry| entry.id == method);
    match found.filter(|_| persona.has(service, method)) {
        Some(method) => Found::Method(method),
        None => Found::UnknownMethod,
    }
}

const fn method(id: u8, name: &'static str, request: &'static str, reply: &'static str) -> Method {
    Method { id, name, request, reply }
}

const SYSTEM_METHODS: &[Method] =
    &[method(1, "system_version", "", "str"), method(2, "system_ack", "u8", "u8")];

const WIFI_DRV_METHODS: &[Method] = &[
    method(1, "wifi_connect", "str ?secret u32 i32 u32", "i32"),
    method(2, "wifi_connect_bssid", "bin ?str secret u32 i32 u32", "i32"),
    method(3, "wifi_disconnect", "", "i32"),
    method(4, "wifi_is_connected_to_ap", "", "i32"),
    method(5, "wifi_is_up", "u32", "i32"),
    method(6, "wifi_is_ready_to_transceive", "u32", "i32"),
    method(7, "wifi_set_mac_address", "bin", "i32"),
    method(8, "wifi_get_mac_address", "", "u8[18] i32"),
    method(9, "wifi_enable_powersave", "", "i32"),
    method(10, "wifi_resume_powersave", "", "i32"),
    method(11, "wifi_disable_powersave", "", "i32"),
    method(12, "wifi_btcoex_set_bt_on", "", ""),
    method(13, "wifi_btcoex_set_bt_off", "", ""),
    method(14, "wifi_get_associated_client_list", "u16", "bin i32"),
    method(15, "wifi_get_ap_bssid", "", "u8[6] i32"),
    method(16, "wifi_get_ap_info", "", "bin u32 i32"),
    method(17, "wifi_set_country", "u32", "i32"),
    method(18, "wifi_get_sta_max_data_rate", "", "u8 i32"),
    method(19, "wifi_get_rssi", "", "i32 i32"),
    method(20, "wifi_set_channel", "i32", "i32"),
    method(21, "wifi_get_channel", "", "i32 i32"),
    method(22, "wifi_change_channel_plan", "u8", "i32"),
    method(23, "wifi_register_multicast_address", "u8[6]", "i32"),
    method(24, "wifi_unregister_multicast_address", "u8[6]", "i32"),
    method(25, "wifi_rf_on", "", "i32"),
    method(26, "wifi_rf_off", "", "i32"),
    method(27, "wifi_on", "u32", "i32"),
    method(28, "wifi_off", "", "i32"),
    method(29, "wifi_set_mode", "u32", "i32"),
    method(30, "wifi_off_fastly", "", "i32"),
    method(31, "wifi_set_power_mode", "u8 u8", "i32"),
    method(32, "wifi_set_tdma_param", "u8 u8 u8 u8", "i32"),
    method(33, "wifi_set_lps_dtim", "u8", "i32"),
    method(34, "wifi_get_lps_dtim", "", "u8 i32"),
    method(35, "wifi_set_lps_thresh", "u8", "i32"),
    method(36, "wifi_set_lps_level", "u8", "i32"),
    method(37, "wifi_set_mfp_support", "u8", "i32"),
    method(38, "wifi_start_ap", "str ?secret u32 i32", "i32"),
    method(39, "wifi_start_ap_with_hidden_ssid", "str ?secret u32 i32", "i32"),
    method(40, "wifi_set_pscan_chan", "bin u8", "i32"),
    method(41, "wifi_get_setting", "str", "bin i32"),
    method(42, "wifi_set_network_mode", "u32", "i32"),
    method(43, "wifi_get_network_mode", "", "u32 i32"),
    method(44, "wifi_set_wps_phase", "u8", "i32"),
    method(45, "wifi_restart_ap", "bin bin u32 i32", "i32"),
    method(46, "wifi_config_autoreconnect", "u8 u8 u16", "i32"),
    method(47, "wifi_set_autoreconnect", "u8", "i32"),
    method(48, "wifi_get_autoreconnect", "", "u8 i32"),
    method(49, "wifi_get_last_error", "", "i32"),
    method(50, "wifi_add_custom_ie", "bin", "i32"),
    method(51, "wifi_update_custom_ie", "bin i32", "i32"),
    method(52, "wifi_del_custom_ie", "", "i32"),
    method(53, "wifi_set_indicate_mgnt", "i32", ""),
    method(54, "wifi_get_drv_ability", "", "u32 i32"),
    method(55, "wifi_set_channel_plan", "u8", "i32"),
    method(56, "wifi_get_channel_plan", "", "u8 i32"),
    method(57, "wifi_enable_forwarding", "", "i32"),
    method(58, "wifi_disable_forwarding", "", "i32"),
    method(59, "wifi_set_ch_deauth", "u8", "i32"),
    method(60, "wifi_get_band_type", "", "u8"),
    method(61, "wifi_set_tx_pause_data", "u32", "i32"),
    method(62, "wifi_get_reconnect_data", "", "bin i32"),
    method(63, "wifi_clear_reconnect_data", "", "i32"),
    method(64, "wifi_scan_start", "", "i32"),
    method(65, "wifi_is_scaning", "", "bool"),
    method(66, "wifi_scan_get_ap_records", "u16", "bin i32"),
    method(67, "wifi_scan_get_ap_num", "", "u16"),
];

const WIFI_TCPIP_METHODS: &[Method] = &[
    method(1, "tcpip_adapter_init", "", "i32"),
    method(2, "tcpip_adapter_sta_start", "bin addr", "i32"),
    method(3, "tcpip_adapter_ap_start", "bin addr", "i32"),
    method(4, "tcpip_adapter_stop", "u32", "i32"),
    method(5, "tcpip_adapter_up", "u32", "i32"),
    method(6, "tcpip_adapter_down", "u32", "i32"),
    method(7, "tcpip_adapter_get_ip_info", "u32", "addr i32"),
    method(8, "tcpip_adapter_set_ip_info", "u32 addr", "i32"),
    method(9, "tcpip_adapter_set_dns_info", "u32 u32 addr", "i32"),
    method(10, "tcpip_adapter_get_dns_info", "u32 u32", "addr i32"),
    method(11, "tcpip_adapter_dhcps_start", "u32", "i32"),
    method(12, "tcpip_adapter_dhcps_stop", "u32", "i32"),
    method(13, "tcpip_adapter_dhcpc_start", "u32", "i32"),
    method(14, "tcpip_adapter_dhcpc_stop", "u32", "i32"),
    method(15, "tcpip_adapter_set_hostname", "u32 str", "i32"),
    method(16, "tcpip_adapter_get_hostname", "u32", "str i32"),
    method(17, "tcpip_adapter_get_mac", "u32", "bin i32"),
    method(18, "tcpip_adapter_set_mac", "u32 bin", "i32"),
    method(19, "tcpip_api_call", "bin bin", "i32"),
    method(20, "tcp_connect", "bin addr u16 bin", "bin i32"),
    method(21, "tcp_recved", "bin u16", "bin i32"),
    method(22, "tcp_abort", "bin", "bin i32"),
    method(23, "tcp_write", "bin bin u8", "bin i32"),
    method(24, "tcp_output", "bin", "bin i32"),
    method(25, "tcp_close", "bin", "bin i32"),
    method(26, "tcp_bind", "bin addr u16", "bin i32"),
    method(27, "tcp_new_ip_type", "u8", "bin i32"),
    method(28, "tcp_arg", "bin bin", "bin i32"),
    method(29, "tcp_err", "bin bin", "bin i32"),
    method(30, "tcp_recv", "bin bin", "bin i32"),
    method(31, "tcp_sent", "bin bin", "bin i32"),
    method(32, "tcp_accept", "bin bin", "bin i32"),
    method(33, "tcp_poll", "bin bin u8", "bin i32"),
    method(34, "tcp_listen_with_backlog", "bin u8", "bin i32"),
    method(35, "pbuf_free", "bin", "i32"),
    method(36, "ip4addr_ntoa", "addr", "str"),
    method(37, "inet_chksum", "bin", "u16"),
];

const WIFI_LWIP_METHODS: &[Method] = &[
    method(1, "lwip_accept", "i32 addr u32", "u32 i32"),
    method(2, "lwip_bind", "i32 addr u32", "i32"),
    method(3, "lwip_shutdown", "i32 i32", "i32"),
    method(4, "lwip_getpeername", "i32 u32", "addr u32 i32"),
    method(5, "lwip_getsockname", "i32 u32", "addr u32 i32"),
    method(6, "lwip_getsockopt", "i32 i32 i32 bin u32", "bin u32 i32"),
    method(7, "lwip_setsockopt", "i32 i32 i32 bin u32", "i32"),
    method(8, "lwip_close", "i32", "i32"),
    method(9, "lwip_connect", "i32 addr u32", "i32"),
    method(10, "lwip_listen", "i32 i32", "i32"),
    method(11, "lwip_available", "i32", "i32"),
    method(12, "lwip_recv", "i32 u32 i32 u32", "bin i32"),
    method(13, "lwip_read", "i32 u32 u32", "bin i32"),
    method(14, "lwip_recvfrom", "i32 u32 i32 u32 u32", "bin addr u32 i32"),
    method(15, "lwip_send", "i32 bin i32", "i32"),
    method(16, "lwip_sendmsg", "i32 bin bin bin i32 i32", "i32"),
    method(17, "lwip_sendto", "i32 bin i32 addr u32", "i32"),
    method(18, "lwip_socket", "i32 i32 i32", "i32"),
    method(19, "lwip_write", "i32 bin u32", "i32"),
    method(20, "lwip_writev", "i32 bin i32", "i32"),
    method(21, "lwip_select", "i32 ?bin ?bin ?bin ?bin", "i32"),
    method(22, "lwip_ioctl", "i32 u32 bin", "bin i32"),
    method(23, "lwip_fcntl", "i32 i32 i32", "i32"),
    method(24, "lwip_errno", "", "i32"),
    method(25, "netconn_gethostbyname", "str", "addr i8"),
    method(26, "dns_gethostbyname_addrtype", "str u32 ?bin u8", "addr i8"),
];

const WIFI_MBEDTLS_METHODS: &[Method] = &[
    method(1, "wifi_ssl_client_create", "", "u32"),
    method(2, "wifi_ssl_client_destroy", "u32", ""),
    method(3, "wifi_ssl_init", "u32", ""),
    method(4, "wifi_ssl_set_socket", "u32 i32", ""),
    method(5, "wifi_ssl_set_timeout", "u32 u32", ""),
    method(6, "wifi_ssl_get_socket", "u32", "i32"),
    method(7, "wifi_ssl_get_timeout", "u32", "u32"),
    method(8, "wifi_ssl_set_rootCA", "u32 str", "u32"),
    method(9, "wifi_ssl_get_rootCA", "u32 u8", "str u32"),
    method(10, "wifi_ssl_set_cliCert", "u32 str", "u32"),
    method(11, "wifi_ssl_get_cliCert", "u32 ?str", "u32"),
    method(12, "wifi_ssl_set_cliKey", "u32 secret", "u32"),
    method(13, "wifi_ssl_get_cliKey", "u32 ?str", "u32"),
    method(14, "wifi_ssl_set_pskIdent", "u32 str", "u32"),
    method(15, "wifi_ssl_get_pskIdent", "u32 ?str", "u32"),
    method(16, "wifi_ssl_set_psKey", "u32 secret", "u32"),
    method(17, "wifi_ssl_get_psKey", "u32 ?str", "u32"),
    method(18, "wifi_start_ssl_client", "u32 ?str u32 i32", "i32"),
    method(19, "wifi_stop_ssl_socket", "u32", ""),
    method(20, "wifi_data_to_read", "u32", "i32"),
    method(21, "wifi_send_ssl_data", "u32 bin u16", "i32"),
    method(22, "wifi_get_ssl_receive", "u32 i32", "bin i32"),
    method(23, "wifi_verify_ssl_fingerprint", "u32 str str", "bool"),
    method(24, "wifi_verify_ssl_dn", "u32 str", "bool"),
    method(25, "wifi_ssl_strerror", "i32 u32", "bin"),
];

const WIFI_MDNS_METHODS: &[Method] = &[
    method(1, "mdns_init", "", "i32"),
    method(2, "mdns_free", "", "i32"),
    method(3, "mdns_service_add", "str str str u16", "i32"),
    method(4, "mdns_service_remove", "str str", "i32"),
    method(5, "mdns_service_txt_item_set", "str str str str", "i32"),
    method(6, "mdns_service_instance_name_set", "str str str", "i32"),
    method(7, "mdns_instance_name_set", "str", "i32"),
    method(8, "mdns_hostname_set", "str", "i32"),
    method(9, "mdns_query_a", "str u32", "addr i32"),
    method(10, "mdns_query_ptr", "str str u32 i32", "i32 i32"),
    method(11, "mdns_query_ptr_result_basic", "i32", "bin i32"),
    method(12, "mdns_query_ptr_result_txt", "i32 i32", "bin i32"),
    method(13, "mdns_query_ptr_result_addr", "i32 i32", "addr i32"),
    method(14, "mdns_query_results_free", "", "i32"),
];
