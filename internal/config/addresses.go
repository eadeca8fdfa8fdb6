package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

func (ck *checker) listeners(l Listen) {
	public := ck.hostPort("listen.public", l.Public)
	admin := ck.hostPort("listen.admin", l.Admin)
	if public != "" && l.Public == l.Admin {
		ck.refuse("listen.admin", "is the same address as listen.public")
	}
	if admin != "" && !isLoopback(admin) && !l.AdminExposed {
		ck.refuse("listen.admin", "%q is not a loopback address; set listen.admin_exposed if other machines shall reach it", l.Admin)
	}
	if (l.Analysts == "token") != (l.TokensFile != "") {
		ck.refuse("listen.tokens_file", "goes with listen.analysts: token, and that needs it")
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// hostPort refuses what is not HOST:PORT and is the host, "*" when it is empty (all interfaces).
func (ck *checker) hostPort(key, addr string) (host string) {
	if addr == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		ck.refuse(key, "%q is not host:port", addr)
		return ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		ck.refuse(key, "%q is not a port number (0 to 65535)", port)
	} else if n == 0 && !strings.HasPrefix(key, "listen.") {
		ck.refuse(key, "port 0 is for listening only")
	}
	if host == "" {
		return "*"
	}
	return host
}
