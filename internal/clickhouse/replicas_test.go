package clickhouse_test

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"time"

	"throng/internal/clickhouse"
)

// patience bounds each wait for a server that does not change.
const patience = 3 * time.Minute

// oldServer is one of Debian's clickhouse-server 18.16, a version of 2018.
type oldServer struct {
	t                   *testing.T
	name, dir           string
	Zoo, HTTP, TCP, Own int // ports
	Peers               []*oldServer
	database            string
	process             *exec.Cmd
}

func (s *oldServer) Name() string { return s.name }
func (s *oldServer) Dir() string  { return s.dir }

var oldConfig = template.Must(template.New("config.xml").Parse(`<yandex>
<logger><level>warning</level><log>{{.Dir}}/log</log><errorlog>{{.Dir}}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host><http_port>{{.HTTP}}</http_port><tcp_port>{{.TCP}}</tcp_port>
<interserver_http_host>127.0.0.1</interserver_http_host><interserver_http_port>{{.Own}}</interserver_http_port>
<path>{{.Dir}}/data/</path><tmp_path>{{.Dir}}/tmp/</tmp_path><users_config>{{.Dir}}/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>16777216</mark_cache_size><timezone>UTC</timezone>
<zookeeper><node><host>127.0.0.1</host><port>{{.Zoo}}</port></node></zookeeper>
<macros><shard>1</shard><replica>{{.Name}}</replica></macros>
<distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
<remote_servers><readership><shard><internal_replication>true</internal_replication>
{{range .Peers}}<replica><host>127.0.0.1</host><port>{{.TCP}}</port></replica>
{{end}}</shard></readership></remote_servers>
</yandex>`))

const oldUsers = `<yandex>
<profiles><default/></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default/></quotas>
</yandex>`

// start starts the server, again after a kill, and waits until it answers.
func (s *oldServer) start() {
	s.t.Helper()
	s.process = exec.Command("clickhouse-server", "--config-file="+filepath.Join(s.dir, "config.xml"))
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		s.kill()
		if s.t.Failed() {
			log, err := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Logf("log of server %s: %s %v", s.name, log[max(len(log)-4000, 0):], err)
		}
	})
	eventually(s.t, "server "+s.name+" answers", func() bool {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/ping", s.HTTP))
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
}

func (s *oldServer) kill() {
	if s.process != nil {
		s.process.Process.Kill()
		s.process.Wait() // killed
		s.process = nil
	}
}

// ask sends a statement, with data behind it.
func (s *oldServer) ask(statement string, data ...string) (string, error) {
	at := fmt.Sprintf("http://127.0.0.1:%d/?%s", s.HTTP, url.Values{"query": {statement}, "database": {cmp.Or(s.database, "default")}}.Encode())
	res, err := http.Post(at, "", strings.NewReader(strings.Join(data, "")))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", b)
	}
	return strings.TrimSpace(string(b)), err
}

func (s *oldServer) must(statement string, data ...string) string {
	s.t.Helper()
	answer, err := s.ask(statement, data...)
	if err != nil {
		s.t.Fatalf("server %s: %s\n%v", s.name, statement, err)
	}
	return answer
}

// settled is what the server counts once it has all that any of them acknowledged.
func (s *oldServer) settled() string {
	s.t.Helper()
	for _, table := range []string{"events", "open_units", "cells"} {
		s.must("SYSTEM SYNC REPLICA throng." + table)
	}
	return s.must("SELECT (SELECT count() FROM events), (SELECT sum(visits) FROM open_units), (SELECT uniqExact(unit) FROM open_units), (SELECT uniqExact(cell) FROM cells)")
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// startZooKeeper gives its port.
func startZooKeeper(t *testing.T) int {
	t.Helper()
	port, dir := freePort(t), t.TempDir()
	config := filepath.Join(dir, "zoo.cfg")
	text := fmt.Sprintf("tickTime=500\ndataDir=%s/data\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n", dir, port)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("java", "-Xmx128m", "-cp", "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar", "org.apache.zookeeper.server.quorum.QuorumPeerMain", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // killed
	})
	eventually(t, "ZooKeeper serves", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprint(c, "srvr")
		status, err := io.ReadAll(c)
		return err == nil && strings.Contains(string(status), "Mode:")
	})
	return port
}

// startReplicas starts two servers that replicate through ZooKeeper.
func startReplicas(t *testing.T) (one, two *oldServer) {
	t.Helper()
	zoo := startZooKeeper(t)
	var servers []*oldServer
	for _, name := range []string{"one", "two"} {
		servers = append(servers, &oldServer{t: t, name: name, dir: t.TempDir(), Zoo: zoo, HTTP: freePort(t), TCP: freePort(t), Own: freePort(t)})
	}
	for _, s := range servers {
		s.Peers = servers
		var config strings.Builder
		if err := oldConfig.Execute(&config, s); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"config.xml": config.String(), "users.xml": oldUsers} {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s.start()
	}
	return servers[0], servers[1]
}

// unknownThen is what the statements have that a server of 2018 does not know, with what stands for it here.
var unknownThen = []struct {
	is      *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(` CODEC\(NONE\)| CODEC\(ZSTD\(1\)\)`), ""},
	{regexp.MustCompile(`\bBool\b`), "UInt8"},
	{regexp.MustCompile(`\bIPv6\b`), "FixedString(16)"},
	{regexp.MustCompile(`COLUMN IF NOT EXISTS`), "COLUMN"},
	{regexp.MustCompile(` SYNC\b`), ""},
	{regexp.MustCompile(`DROP VIEW`), "DROP TABLE"},
	{regexp.MustCompile(`LowCardinality\(String\)`), "String"}, // a view cannot write into it yet
	{regexp.MustCompile(`(?m)^--.*\n`), ""},
	{regexp.MustCompile(`,?\s*(auto_statistics_types|ttl_only_drop_parts|merge_with_ttl_timeout|index_granularity_bytes|min_bytes_for_wide_part|min_parts_to_merge_at_once|max_cleanup_delay_period) = [0-9']+`), ""},
}

// reduced is the schema of a cluster as that server can read it.
func reduced() (statements []string) {
	for _, text := range clickhouse.ClusterSchema() {
		if strings.Contains(text, "MODIFY TTL") || strings.Contains(text, "REMOVE TTL") || strings.Contains(text, "MODIFY SETTING") {
			continue // not in that version
		}
		for _, u := range unknownThen {
			text = u.is.ReplaceAllString(text, u.instead)
		}
		statements = append(statements, text)
	}
	return statements
}

// blockRows are the rows of block n: a hundred visits by as many devices to ten pages, the first ten of which mark their cells as new.
func blockRows(n int) string {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "2026-11-22 10:00:%02d\tmain\t/page-%d\tGET\t200\t%d\t\t\t0\t\t\t0123456789abcdef\t\t%d\t\t1\t%d\t%d\t%d\n", i%60, i%10, n, i%2, n*100+i+1, i%10, 1-min(i/10, 1))
	}
	return b.String()
}

const insertRows = "INSERT INTO events_in FORMAT TabSeparated"

// What replication has to do for Throng, done by two real servers: blocks that come again, also to the other
// replica, count once in every table behind the views; a replica that was killed loses nothing and counts
// exactly when it is back; a partition that is dropped goes from both disks. It does not run Throng's own
// client, whose questions a server of that age does not understand, and it deduplicates by a block's
// content, since there were no tokens yet.
func TestReplicas(t *testing.T) {
	if os.Getenv("THRONG_TEST_CLICKHOUSE") == "" {
		t.Skip("THRONG_TEST_CLICKHOUSE is not set: `make replicas` installs and runs Debian's clickhouse-server and ZooKeeper")
	}
	one, two := startReplicas(t)
	one.must("CREATE DATABASE throng ON CLUSTER readership")
	one.database, two.database = "throng", "throng"
	for _, statement := range reduced() {
		one.must(statement)
	}
	for n := range 10 {
		one.must(insertRows, blockRows(n))
		two.must(insertRows, blockRows(n))
	}
	want := func(blocks int) {
		t.Helper()
		for _, s := range []*oldServer{one, two} {
			if got, want := s.settled(), fmt.Sprintf("%d\t%[1]d\t%[1]d\t10", blocks*100); s.process != nil && got != want {
				t.Errorf("server %s: events, visits, units and cells are %s, want %s", s.name, got, want)
			}
		}
	}
	want(10)

	one.kill()
	for n := range 15 { // all of the former come again
		two.must(insertRows, blockRows(n))
	}
	if got := two.settled(); got != "1500\t1500\t1500\t10" {
		t.Errorf("after a replica was killed: %s", got)
	}
	one.start()
	for n := range 20 {
		one.must(insertRows, blockRows(n))
	}
	want(20)

	for _, partition := range []string{"open_units DROP PARTITION ID '20261122'", "cells DROP PARTITION ID '20261122'", "events DROP PARTITION ID '0-20261122'", "events DROP PARTITION ID '1-20261122'"} {
		eventually(t, "a drop finds the leader, which changes after a kill", func() bool {
			_, err := two.ask("ALTER TABLE throng." + partition)
			return err == nil
		})
	}
	for _, s := range []*oldServer{one, two} {
		eventually(t, "the day's parts are gone from the disk of server "+s.name, func() bool { return partsOn(t, s.dir) == 0 })
		if got := s.settled(); got != "0\t0\t0\t0" {
			t.Errorf("server %s: left %s", s.name, got)
		}
	}
}

var partName = regexp.MustCompile(`^([a-z-]+_)*([01]-)?20261122_`)

// partsOn counts the directories of parts of the day, attached or not.
func partsOn(t *testing.T, dir string) (parts int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "data"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && partName.MatchString(d.Name()) {
			parts++
		}
		if os.IsNotExist(err) { // removed meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}
