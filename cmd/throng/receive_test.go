package main_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"throng/internal/broker"
)

const receiveConfig = `dir: %[1]s/state
sites: [{id: www, hosts: [www.example.org]}]
sources:
  - {name: history, site: www, paths: ["%[1]s/logs/*.log*"], format: combined_signals}
  - {name: messages, site: www, format: combined_signals, syslog: {udp: "%[2]s", tcp: "%[2]s"}}
  - {name: push, site: www, format: combined_signals, http: {listen: "%[3]s", token_file: %[1]s/token}}
  - {name: raw, site: www, format: combined_signals, kafka: {topic: raw-lines}}
broker: {addrs: ["%[4]s"], block: {max_age: 1s}}
listen: {admin: "%[5]s"}
log: {level: debug}
`

const pushToken = "0123456789abcdef0123456789abcdef"

// TestReceivers sends lines full of canaries to every kind of source of a `throng ship` that was started
// before its broker, and searches all that it writes, says and answers.
func TestReceivers(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	messages, push, brokerAddr, admin := freeAddr(t), freeAddr(t), freeAddr(t), freeAddr(t)
	config := filepath.Join(dir, "throng.yaml")
	writeFile(t, config, fmt.Sprintf(receiveConfig, dir, messages, push, brokerAddr, admin))
	writeFile(t, filepath.Join(dir, "token"), pushToken+"\n")
	at := testNow.Add(-time.Hour)
	lines := strings.Split(strings.TrimSuffix(fill(canaryLines, at), "\n"), "\n")
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "logs", "access.log.1.gz"), gzipped(t, fill(canaryLines, at)))
	writeFile(t, filepath.Join(dir, "logs", "damaged.log.gz"), gzipped(t, strings.Repeat(fill(canaryLines, at), 3))[:300])

	env := []string{clockAt(testNow), "GOTRACEBACK=all"}
	ship := startService(t, dir, "ship", env, "ship", "--config", config)
	waitFor(t, drainTime, "the word that it waits", func() (bool, string) {
		b, err := os.ReadFile(ship.logPath)
		return bytes.Contains(b, []byte("waiting for an engine")), fmt.Sprint(err)
	})
	kafka := startService(t, dir, "broker", env, "broker", "serve", "--dir", filepath.Join(dir, "center"), "--listen", brokerAddr)
	produceRaw(t, brokerAddr, lines)
	waitFor(t, drainTime, "ship", func() (bool, string) {
		res, err := http.Get("http://" + admin + "/readyz")
		if err != nil {
			return false, err.Error()
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK, res.Status
	})

	search := newSearch(canaryWord)
	for _, key := range []string{"", "a-key", "a-key"} {
		search.check(t, "the answer", postLines(t, "http://"+push+"/ingest", key, pushToken, fill(canaryLines, at), http.StatusOK))
	}
	search.check(t, "the refusal", postLines(t, "http://"+push+"/ingest", "", canaryWord, fill(canaryLines, at), http.StatusUnauthorized))
	sendLines(t, "udp", messages, lines)
	sendLines(t, "tcp", messages, lines)
	sendLines(t, "tcp", messages, []string{"12345678 " + canaryWord}) // no frame
	n := len(lines)
	want := map[string]int{"history": n, "push": 3 * n, "raw": n} // of the messages a datagram may be lost
	var page []byte
	waitFor(t, drainTime, "all lines", func() (bool, string) {
		page = get(t, "http://"+admin+"/metrics")
		for name, lines := range want {
			if !bytes.Contains(page, fmt.Appendf(nil, "throng_source_lines_total{source=%q} %d\n", name, lines)) {
				return false, name
			}
		}
		return bytes.Contains(page, []byte(`throng_source_read_up_to_seconds{source="raw"}`)), "the time of raw"
	})
	search.check(t, "the metrics", page)
	search.checkFiles(t, filepath.Join(dir, "state"))
	ship.stop(t)
	if len(ship.quits) > 0 {
		t.Errorf("ship ended by itself: %q", ship.quits)
	}
	kafka.stop(t)
	search.checkFiles(t, filepath.Join(dir, "state"))
	for _, s := range []*service{ship, kafka} {
		b, err := os.ReadFile(s.logPath)
		if err != nil {
			t.Fatal(err)
		}
		search.check(t, s.name, b)
	}
}

// A stage that is told to stop while it waits for its broker ends in good order.
func TestStopWhileWaiting(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	config := filepath.Join(dir, "throng.yaml")
	writeFile(t, config, fmt.Sprintf("dir: %s/state\nsites: [{id: www}]\nbroker: {addrs: [\"%s\"]}\nsources: [{name: pipe, site: www, stdin: true}]\n", dir, freeAddr(t)))
	for _, stage := range []string{"ship", "load", "close", "serve"} {
		s := startService(t, dir, stage, []string{"THRONG_LISTEN_ADMIN=" + freeAddr(t), "THRONG_LISTEN_PUBLIC=" + freeAddr(t)}, stage, "--config", config)
		waitFor(t, drainTime, stage, func() (bool, string) {
			b, err := os.ReadFile(s.logPath)
			return bytes.Contains(b, []byte("waiting for an engine")), fmt.Sprint(err)
		})
		s.stop(t)
	}
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func produceRaw(t *testing.T, addr string, lines []string) {
	t.Helper()
	var c *broker.Client
	waitFor(t, drainTime, "the broker", func() (bool, string) {
		var err error
		c, err = broker.Open(t.Context(), broker.Options{Addrs: []string{addr}})
		return err == nil, fmt.Sprint(err)
	})
	defer c.Close()
	if err := c.EnsureTopic(t.Context(), "raw-lines"); err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		if err := c.Produce(t.Context(), "raw-lines", []byte{byte(i)}, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
}

func postLines(t *testing.T, url, key, token, body string, status int) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(gzipped(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("answered %s: %s (%v)", res.Status, answer, err)
	}
	return fmt.Append(answer, res.Header)
}

func sendLines(t *testing.T, network, addr string, lines []string) {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if network == "tcp" {
			line += "\n"
		}
		if _, err := conn.Write([]byte("<190>Nov 22 13:39:41 web1 nginx: " + line)); err != nil && !strings.Contains(err.Error(), syscall.EPIPE.Error()) {
			t.Fatal(err)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}
