package config_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"throng"
	"throng/internal/config"
	"throng/retention"
)

var update = flag.Bool("update", false, "write what the code gives as what is expected")

func load(t *testing.T, yaml string, environ ...string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "throng.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(path, environ)
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}

func TestGoodFilesPrintAndReadBack(t *testing.T) {
	for _, path := range glob(t, "testdata/*.good.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c, err := config.Load(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			var printed bytes.Buffer
			if err := c.WriteYAML(&printed); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(path, ".good.yaml")+".printed", printed.Bytes())
			again, err := load(t, printed.String())
			if err != nil {
				t.Fatalf("what was printed is refused: %v", err)
			}
			if diff := cmp.Diff(c, again, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("what was printed reads back differently:\n%s", diff)
			}
		})
	}
}

func TestBadFilesAreRefusedWithEveryReason(t *testing.T) {
	for _, path := range glob(t, "testdata/*.bad.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := config.Load(path, nil)
			if err == nil {
				t.Fatal("was accepted")
			}
			golden(t, strings.TrimSuffix(path, ".bad.yaml")+".errors", []byte(err.Error()+"\n"))
			if strings.Contains(err.Error(), "in-the-open") {
				t.Error("the message shows the value of an unknown key, which may be a secret")
			}
		})
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file matches %s (%v)", pattern, err)
	}
	return paths
}

func TestDefaultsAreTheMethods(t *testing.T) {
	p := config.Default().Privacy
	got := []any{p.K, p.Epsilon, p.Delta}
	want := []any{int64(throng.MinDevices), throng.MaxEpsilon, throng.MaxDelta}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if limit := config.Size(throng.MaxBlockBytes); config.Default().Broker.Block.MaxBytes >= limit {
		t.Errorf("a block of the default size does not fit a message of %v", limit)
	}
}

func TestMethodCanOnlyBeMadeStricter(t *testing.T) {
	for name, weaken := range map[string]func(*config.Config){
		"k":            func(c *config.Config) { c.Privacy.K = throng.MinDevices - 1 },
		"epsilon":      func(c *config.Config) { c.Privacy.Epsilon = throng.MaxEpsilon * 1.0001 },
		"no epsilon":   func(c *config.Config) { c.Privacy.Epsilon = 0 },
		"delta":        func(c *config.Config) { c.Privacy.Delta = throng.MaxDelta * 1.0001 },
		"/0":           func(c *config.Config) { c.Privacy.OptedOutIPv4Bits = -8 },
		"block":        func(c *config.Config) { c.Broker.Block.MaxBytes = throng.MaxBlockBytes },
		"opted out":    func(c *config.Config) { c.Retention.OptedOut = config.Duration(10*24*time.Hour + 1) },
		"standard":     func(c *config.Config) { c.Retention.Standard = config.Duration(10*24*time.Hour + 1) },
		"open units":   func(c *config.Config) { c.Retention.OpenUnits = config.Duration(48*time.Hour + 1) },
		"events topic": func(c *config.Config) { c.Retention.EventsTopic = config.Duration(48*time.Hour + 1) },
		"lateness":     func(c *config.Config) { c.Release.Lateness = config.Duration(48*time.Hour + 1) },
	} {
		t.Run(name, func(t *testing.T) {
			c := config.Default()
			c.Sites = []config.Site{{ID: "blog"}}
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			if weaken(c); c.Check() == nil {
				t.Error("was accepted")
			}
		})
	}
}

func TestDeletionBeginsAfterTheLatestClose(t *testing.T) {
	limits, err := retention.Limits{}.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Sites = []config.Site{{ID: "blog"}}
	c.Release.Lateness = config.Duration(limits.OpenUnits - limits.Lead)
	if err := c.Check(); err != nil {
		t.Errorf("the latest possible close is refused: %v", err)
	}
	if c.Release.Lateness++; c.Check() == nil {
		t.Error("a close after the deletion of what it needs is accepted")
	}
	if every := config.Default().Retention.CheckEvery.Std(); every > limits.Lead {
		t.Errorf("sweeps every %v do not fit a lead of %v", every, limits.Lead)
	}
}

func TestEnvironmentWinsOverTheFile(t *testing.T) {
	c, err := load(t, "sites: [{id: blog}]\nbroker: {addrs: [\"a:1\"], partitions: 2}\nlog: {level: warn}",
		"THRONG_BROKER_ADDRS=b:1,c:2", "THRONG_BROKER_BLOCK_MAX_AGE=5s", "THRONG_LISTEN_ADMIN_EXPOSED=true",
		"THRONG_PRIVACY_EPSILON=0.25", "THRONG_CHDB_LIB=/lib/libchdb.so", "THRONG_TEST_ROLE=x", "PATH=/bin", "OTHER_BROKER_ADDRS=x")
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Broker.Addrs, c.Broker.Partitions, c.Broker.Block.MaxAge, c.Listen.AdminExposed, c.Privacy.Epsilon, c.Log.Level}
	want := []any{[]string{"b:1", "c:2"}, 2, config.Duration(5 * time.Second), true, 0.25, "warn"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyVariableIsAnEmptyList(t *testing.T) {
	c, err := load(t, "sites: [{id: blog}]\nbroker: {addrs: [\"a:1\"]}", "THRONG_BROKER_ADDRS=")
	if err != nil {
		t.Fatal(err)
	}
	if !c.Broker.Embedded() {
		t.Errorf("brokers %q", c.Broker.Addrs)
	}
}

func TestBadVariablesAreRefused(t *testing.T) {
	_, err := load(t, "sites: [{id: blog}]", "THRONG_BROKER_ADRS=a:1", "THRONG_API_TOKEN=hunter2", "THRONG_SITES=blog", "THRONG_PRIVACY_K=4000", "THRONG_LOG_LEVEL=loud")
	want := strings.Join([]string{
		`THRONG_API_TOKEN: unknown variable`,
		`THRONG_BROKER_ADRS: unknown variable; did you mean "THRONG_BROKER_ADDRS"?`,
		`THRONG_SITES: unknown variable`,
		`THRONG_PRIVACY_K: privacy.k: 4000 is less than the smallest allowed value, 5000`,
		`THRONG_LOG_LEVEL: log.level: "loud" is not one of debug, info, warn, error`,
	}, "\n")
	if err == nil {
		t.Fatal("was accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestMissingFileIsAnError(t *testing.T) {
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !os.IsNotExist(unwrap(err)) {
		t.Errorf("error %v", err)
	}
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return err
}

func TestPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for content, want := range map[string]string{"s3 cret\r\nmore": "s3 cret", "last": "last", "\nx": "", "": ""} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := config.Store{PasswordFile: path}.Password()
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", content, got, err)
		}
	}
	if got, err := (config.Store{}).Password(); got != "" || err != nil {
		t.Errorf("no file: got %q, %v", got, err)
	}
}

func TestUnitsReadBackWhatTheyWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := config.Duration(rapid.Int64Range(0, int64(60000*time.Hour)).Draw(t, "duration"))
		d -= d % config.Duration(rapid.SampledFrom([]time.Duration{1, time.Second, time.Hour, 24 * time.Hour}).Draw(t, "unit"))
		var again config.Duration
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Fatalf("%d is written %q and read %d (%v)", d, d, again, err)
		}
		s := config.Size(rapid.Int64Min(0).Draw(t, "size"))
		s -= s % (1 << rapid.SampledFrom([]uint{0, 10, 20, 30, 40}).Draw(t, "shift"))
		var size config.Size
		if err := size.UnmarshalText([]byte(s.String())); err != nil || size != s {
			t.Fatalf("%d is written %q and read %d (%v)", s, s, size, err)
		}
	})
}

func TestUnitsRefuseWhatIsAmbiguous(t *testing.T) {
	for _, text := range []string{"", "10", "0", "-1h", "1.5d", "-2d", "d", "99999999d", "10 d"} {
		if err := new(config.Duration).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("duration %q was accepted", text)
		}
	}
	for _, text := range []string{"", "1MB", "1.5GiB", "-1", "KiB", "9223372036854775807TiB", "1K"} {
		if err := new(config.Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("size %q was accepted", text)
		}
	}
}

func FuzzLoadNeverPanics(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds (%v)", err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	f.Fuzz(func(t *testing.T, src string) {
		if c, err := load(t, src); err == nil && c.Check() != nil {
			t.Error("Load accepts what Check refuses")
		}
	})
}
