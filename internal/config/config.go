// Package config reads Throng's configuration: defaults, then a YAML file, then the environment.
//
// It guarantees that a [Config] which [Load] returns has been checked as a whole: every key is
// known, every value is in its range, and no combination contradicts another. It refuses and never
// repairs, and it reports all problems at once, each with its key and the reason. Values that weaken
// the method (a smaller k, a larger ε, a longer retention) are out of range.
//
// It does not look at the world: files that the configuration names are neither opened nor required
// to exist, and addresses are not resolved. Secrets are never part of a Config, only the names of
// the files that hold them.
package config

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"strings"
)

// Problem is one reason why a configuration is refused.
type Problem struct {
	// Where is FILE:LINE or the environment variable; "" for a default or a key that is missing.
	Where string
	// Key is the path of the key, such as sites[0].id; "" when the file as a whole is meant.
	Key string
	// Why is the reason, in words.
	Why string
}

// String is WHERE: KEY: WHY, less what is not known.
func (p Problem) String() string {
	var parts []string
	for _, s := range []string{p.Where, p.Key, p.Why} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Problems are all reasons why a configuration is refused, in the order of the file, then of the
// environment, then of the checks.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Default is the configuration of an empty file. It has no sites, so it does not pass [Config.Check].
func Default() *Config {
	var c Config
	setDefaults(reflect.ValueOf(&c).Elem())
	return &c
}

// DefaultSource is a source without any key. It is of no kind, so it does not pass [Config.Check].
func DefaultSource() Source {
	var s Source
	setDefaults(reflect.ValueOf(&s).Elem())
	return s
}

// Load reads the file at path, or no file when path is "", and then the variables of environ
// (NAME=VALUE, as [os.Environ] gives them) whose name begins with THRONG_. The error is [Problems]
// when the configuration is refused.
func Load(path string, environ []string) (*Config, error) {
	c := Default()
	d := decoder{file: path, origin: map[string]string{}}
	if path != "" {
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		if err := d.decode(src, c); err != nil {
			return nil, err
		}
	}
	d.environment(environ, c)
	for _, p := range c.problems() {
		if d.refused(p.Key) { // what could not be read is not missing
			continue
		}
		p.Where = d.origin[p.Key]
		d.problems = append(d.problems, p)
	}
	if len(d.problems) > 0 {
		return nil, d.problems
	}
	return c, nil
}

// Check refuses, as [Problems], a configuration that is out of range or contradicts itself. Load has
// done it; it is for a Config that was made or changed in code.
func (c *Config) Check() error {
	if ps := c.problems(); len(ps) > 0 {
		return ps
	}
	return nil
}

// Of are the parameters of a site: its own, where it has them.
func (p Privacy) Of(s Site) Privacy {
	p.K = cmp.Or(s.Privacy.K, p.K)
	p.Epsilon = cmp.Or(s.Privacy.Epsilon, p.Epsilon)
	p.Delta = cmp.Or(s.Privacy.Delta, p.Delta)
	return p
}

// Embedded tells whether the broker runs in this process.
func (b Broker) Embedded() bool { return len(b.Addrs) == 0 }

// Embedded tells whether the store runs in this process.
func (s Store) Embedded() bool { return s.Addr == "" && len(s.Shards) == 0 }

// Servers are the servers of a cluster, by shard and replica.
func (s Store) Servers() (shards [][]string) {
	for _, replicas := range s.Shards {
		shards = append(shards, strings.Split(replicas, "+"))
	}
	return shards
}

// Password reads the password file; it is "" when none is configured. The error names the file only.
func (s Store) Password() (string, error) {
	if s.PasswordFile == "" {
		return "", nil
	}
	return secret("password", s.PasswordFile)
}

// minToken is the shortest bearer token, in bytes.
const minToken = 16

// Token reads the token file. The error names the file only.
func (p Push) Token() (string, error) {
	token, err := secret("token", p.TokenFile)
	if err == nil && len(token) < minToken {
		err = fmt.Errorf("read token file: the token in %s is shorter than %d bytes; make one with: openssl rand -hex 32", p.TokenFile, minToken)
	}
	return token, err
}

// secret is the first line of a file.
func secret(what, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read %s file: %w", what, err)
	}
	text, _, _ := strings.Cut(string(b), "\n")
	if text = strings.TrimSuffix(text, "\r"); text == "" {
		return "", fmt.Errorf("read %s file: the first line of %s is empty", what, path)
	}
	return text, nil
}

// Files are the patterns of the files that the source follows; none where it is of another kind.
func (s Source) Files() []string {
	if s.Path != "" {
		return []string{s.Path}
	}
	return s.Paths
}
