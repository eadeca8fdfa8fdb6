package main_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/internal/loadgen"
)

// TestKafkaRawTopic: rsyslog takes what a web server wrote, and what nginx sends it as it is asked, into a topic of
// raw lines, with the configuration of deploy/rsyslog; two ships share that topic, and the store has each visit once,
// with its signal.
func TestKafkaRawTopic(t *testing.T) {
	for _, program := range []string{"rsyslogd", "nginx"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s (Debian: apt-get install rsyslog rsyslog-kafka nginx-light)", program)
		}
	}
	if modules, err := filepath.Glob("/usr/lib/*/rsyslog/omkafka.so"); err == nil && len(modules) == 0 {
		t.Skip("rsyslogd is without its module for Kafka (Debian: apt-get install rsyslog-kafka)")
	}
	list := pages(10, 500)
	yesterday := throng.DayOf(time.Now()) - 1 // nginx has the machine's clock
	s := newKafkaSite(t, nil, list, "ship", "load", "rsyslog")
	err := s.cluster.CreateTopic(t.Context(), "raw-access", 4,
		map[string]string{"message.timestamp.type": "LogAppendTime", "retention.ms": "3600000", "segment.ms": "600000"})
	if err != nil {
		t.Fatal(err)
	}
	log := newGrowingLog(t, s.state("logs"), loadgen.Options{Readership: list, Devices: 2_000, Seed: chance(t).Uint64(),
		Start: yesterday.Start(), End: (yesterday + 1).Start(), Key: throng.LeafKey}, 1)
	udp := freeUDP(t)
	s.rsyslog(t, log.path, udp)
	web := s.nginx(t, udp)
	s.ship(t, "raw1", "kafka: {topic: raw-access}")
	s.ship(t, "raw2", "kafka: {topic: raw-access}")
	s.load(t, 2)

	log.write(t, log.rest)
	want := truthOf(log.log)
	const asked = 120
	ask(t, web, list[0].Path, asked)
	visits := want.visits[list[0].Path]
	visits[0] += asked
	visits[1] += asked * 2 / 3
	events := want.lines - want.rejected + asked
	progressFor(t, "the store", func() (uint64, bool) {
		rows, err := s.engine.query(t.Context(), "SELECT count() FROM events")
		if err != nil {
			return 0, false
		}
		var n uint64
		if _, err := fmt.Sscan(rows[0][0], &n); err != nil {
			t.Fatal(err)
		}
		return n, n >= events
	})
	for _, p := range append(s.ships, s.loaders...) {
		p.stop(t) // sends and commits what is under way
	}
	compare(t, "visits in events", s.engine.counts(t, "SELECT path, count(), countIf(opted_out) FROM events WHERE visit GROUP BY path"), want.visits)
	if n := s.engine.counts(t, "SELECT 'events', count() FROM events")["events"][0]; n != events {
		t.Errorf("%d events are stored, want %d", n, events)
	}
}

// ask sends a web server n requests: a third with DNT, a third with Sec-GPC, a third with neither.
func ask(t *testing.T, addr, path string, n int) {
	t.Helper()
	signals := []http.Header{{"Dnt": {"1"}}, {"Sec-Gpc": {"1"}}, {}}
	for i := range n {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = signals[i%len(signals)].Clone()
		req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("nginx answers %s", res.Status)
		}
	}
}

// rsyslog runs rsyslogd with the configuration of deploy/rsyslog for a file, a UDP address and this cluster.
func (s *kafkaSite) rsyslog(t *testing.T, file, udp string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/rsyslog/throng.conf")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(udp, ":")
	config := string(text)
	for _, r := range [][2]string{
		{`global(`, `global(workDirectory="` + s.state("rsyslog") + `" `},
		{`file="/var/log/nginx/access.log"`, `file="` + file + `"`},
		{`port="5140"`, `port="` + port + `"`},
		{`"kafka1:9092", "kafka2:9092", "kafka3:9092"`, `"` + strings.Join(s.cluster.Addrs(), `", "`) + `"`},
		{`/etc/throng/kafka-ca.pem`, s.access.CAFile},
		{`/etc/throng/kafka.crt`, s.access.CertFile},
		{`/etc/throng/kafka.key`, s.access.KeyFile},
		{`sasl.password=PASSWORD`, `sasl.password=` + s.access.Password("rsyslog")},
	} {
		if !strings.Contains(config, r[0]) {
			t.Fatalf("deploy/rsyslog/throng.conf has no %s", r[0])
		}
		config = strings.ReplaceAll(config, r[0], r[1])
	}
	if err := os.Mkdir(s.state("rsyslog"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.state("rsyslog.conf"), config)
	if out, err := exec.CommandContext(t.Context(), "rsyslogd", "-N1", "-f", s.state("rsyslog.conf")).CombinedOutput(); err != nil {
		t.Fatalf("rsyslogd refuses deploy/rsyslog/throng.conf: %v\n%s", err, out)
	}
	startProgram(t, s.dir, "rsyslogd", nil, "rsyslogd", "-n", "-f", s.state("rsyslog.conf"), "-i", s.state("rsyslogd.pid"))
	waitFor(t, drainTime, "rsyslogd", func() (bool, string) { return takesDatagrams(t, udp), "does not listen" })
}

// freeUDP is freeAddr for datagrams.
func freeUDP(t *testing.T) string {
	t.Helper()
	for {
		addr := freeAddr(t)
		if c, err := net.ListenPacket("udp", addr); err == nil {
			c.Close()
			return addr
		}
	}
}

// takesDatagrams tells whether somebody listens on a UDP address of loopback. It asks the system: to try the port would keep
// it from whoever is about to take it.
func takesDatagrams(t *testing.T, addr string) bool {
	t.Helper()
	_, port, _ := strings.Cut(addr, ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(sockets), fmt.Sprintf(": 0100007F:%04X ", n))
}

const nginxConfig = `daemon off; master_process off; pid %[1]s/nginx.pid; error_log %[1]s/error.log;
events {}
http {
	include %[2]s;
	client_body_temp_path %[1]s/tmp; proxy_temp_path %[1]s/tmp; fastcgi_temp_path %[1]s/tmp; uwsgi_temp_path %[1]s/tmp; scgi_temp_path %[1]s/tmp;
	server {
		listen %[3]s;
		access_log syslog:server=%[4]s,facility=local7,tag=nginx throng;
		location / { return 200 "a page\n"; }
	}
}
`

// nginx runs a web server that logs to a syslog address in the form of deploy/nginx, and gives its own address.
func (s *kafkaSite) nginx(t *testing.T, syslog string) string {
	t.Helper()
	format, err := filepath.Abs("../../deploy/nginx/throng.conf")
	if err != nil {
		t.Fatal(err)
	}
	addr, dir := freeAddr(t), s.state("nginx")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.state("nginx.conf"), fmt.Sprintf(nginxConfig, dir, format, addr, syslog))
	startProgram(t, s.dir, "nginx", nil, "nginx", "-e", filepath.Join(dir, "error.log"), "-c", s.state("nginx.conf"))
	waitFor(t, drainTime, "nginx", func() (bool, string) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil, fmt.Sprint(err)
	})
	return addr
}
