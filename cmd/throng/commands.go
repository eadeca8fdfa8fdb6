package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"throng/aggregate"
	"throng/internal/config"
)

// commands is the command line. Each command is in a file of its own; its Help method is the long
// help with an example.
type commands struct {
	Demo       demoCommand       `cmd:"" help:"Replay a busy day with known truth and serve its tables."`
	Serve      serveCommand      `cmd:"" help:"Run everything in one process, from a configuration file."`
	Parse      parseCommand      `cmd:"" help:"Show how log lines are read (raw zone: your own terminal only)."`
	Formats    formatsCommand    `cmd:"" help:"List the formats of log lines that have a name."`
	Anonymize  anonymizeCommand  `cmd:"" help:"Show what is kept of log lines."`
	Ship       shipCommand       `cmd:"" help:"Read logs, anonymize them and send blocks of events to the broker."`
	Load       loadCommand       `cmd:"" help:"Take blocks from the broker into the store, exactly once."`
	Replay     replayCommand     `cmd:"" help:"Read again what the store lacks of a source's files."`
	Quarantine quarantineCommand `cmd:"" help:"Show refused lines, and count them after a mended configuration."`
	Close      closeCommand      `cmd:"" help:"Close days that are over and publish their tables."`
	Release    releaseCommand    `cmd:"" help:"List, show and export what was published."`
	Retention  retentionCommand  `cmd:"" help:"Plan, carry out and prove deletion."`
	Hold       holdCommand       `cmd:"" help:"Keep copies of a few events past their time, and say why."`
	Ledger     ledgerCommand     `cmd:"" help:"Show and verify the privacy ledger."`
	Routes     routesCommand     `cmd:"" help:"Propose a site's route list."`
	Verify     verifyCommand     `cmd:"" help:"Check what was published from the published files alone."`
	Attack     attackCommand     `cmd:"" help:"Look for groups under k in what was published."`
	Publish    publishCommand    `cmd:"" help:"Write everything that was published, as a bundle for any static host."`
	Backup     backupCommand     `cmd:"" help:"Keep releases, ledger and receipts in one archive, and bring them back."`
	Keys       keysCommand       `cmd:"" help:"Manage the epoch keys."`
	Agents     agentsCommand     `cmd:"" help:"Show and score what is kept of user agents."`
	OptOut     optOutCommand     `cmd:"" name:"optout" help:"Keep the list of people who opted out by name."`
	Gen        genCommand        `cmd:"" help:"Write log lines with known truth."`
	Utility    utilityCommand    `cmd:"" help:"Measure how much of the truth a reader gets, on made-up devices."`
	Capacity   capacityCommand   `cmd:"" help:"Plan for a rate of lines, and simulate a day of it."`
	Bench      benchCommand      `cmd:"" help:"Measure the stages, one line of figures each."`
	Dashboard  dashboardCommand  `cmd:"" name:"dashboards" help:"Serve what was published."`
	Engine     engineCommand     `cmd:"" help:"Serve the embedded ClickHouse to other processes of this machine."`
	Broker     brokerCommand     `cmd:"" help:"Serve the embedded broker to other processes of this machine."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the store's schema up to date, or show how far it is."`
	WellKnown  wellKnownCommand  `cmd:"" name:"wellknown" help:"Check what a site says about visitors' signals."`
	Config     configCommand     `cmd:"" help:"Check, print and describe the configuration."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// configured is embedded in commands that need a configuration.
type configured struct {
	Config string `short:"c" required:"" placeholder:"F" help:"The configuration file (YAML)."`
}

// load reads the configuration and the environment.
func (c configured) load(a *app) (*config.Config, error) {
	cfg, err := config.Load(c.Config, a.environ)
	if err != nil {
		return nil, usageError{err}
	}
	if problems := formatProblems(cfg); len(problems) > 0 {
		return nil, usageError{problems}
	}
	return cfg, nil
}

// located is embedded in commands that need no more than a state directory.
type located struct {
	Dir    string `placeholder:"D" xor:"where" required:"" help:"The state directory."`
	Config string `short:"c" placeholder:"F" xor:"where" required:"" help:"The configuration file that names it."`
}

func (l located) layout(a *app) (layout, error) {
	if l.Dir != "" {
		if _, err := os.Stat(l.Dir); err != nil {
			return "", usageError{fmt.Errorf("open state directory: %w", err)}
		}
		return layout(l.Dir), nil
	}
	cfg, err := configured{l.Config}.load(a)
	if err != nil {
		return "", err
	}
	return layout(cfg.Dir), nil
}

type configCommand struct {
	Check  configCheck  `cmd:"" help:"Check a configuration and say what it will do."`
	Print  configPrint  `cmd:"" help:"Print the values in effect, defaults and environment included."`
	Schema configSchema `cmd:"" help:"Print the configuration's JSON Schema."`
}

func (configCommand) Help() string {
	return "Example:\n  throng config check --config throng.yaml"
}

type configCheck struct{ configured }

func (c configCheck) Run(a *app) error {
	cfg, err := c.load(a)
	if err != nil {
		return err
	}
	told, err := wellKnown(cfg.WellKnown)
	if err != nil {
		return usageError{err}
	}
	if warning := warnOfPolicy(told, a.clock.Now()); warning != "" {
		fmt.Fprintf(a.out, "warning: %s\n", warning)
	}
	for _, src := range cfg.Sources {
		if !carriesSignals(src) {
			fmt.Fprintf(a.out, "warning: source %s: its log has no DNT and Sec-GPC fields, so nobody's opt-out signal can be seen in it\n", src.Name)
		}
		if key := needsCookies(cfg, src); key != "" && lacksCookies(src) {
			fmt.Fprintf(a.out, "warning: source %s: no line at the beginning of its log has a cookie, which %s needs; docs/signals.md says how to log it\n", src.Name, key)
		}
	}
	for _, s := range cfg.Sites {
		if err := explainSite(a.out, cfg, s); err != nil {
			return err
		}
	}
	if err := sayRetention(a, cfg); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s: ok: %d sites, %d sources, broker %s, store %s\n", c.Config, len(cfg.Sites), len(cfg.Sources),
		place(cfg.Broker.Embedded()), place(cfg.Store.Embedded()))
	return nil
}

// explainSite says what a site's readership is published under.
func explainSite(w io.Writer, cfg *config.Config, s config.Site) error {
	p, err := aggregate.Calibrate(budgetOf(cfg, s), "", s.Tables...)
	if err != nil {
		return err
	}
	own := ""
	if s.Privacy != (config.SitePrivacy{}) {
		own = ", of its own"
	}
	_, err = fmt.Fprintf(w, "site %s: k = %d, ε = %g, δ = %g per device and period%s; tables %s; a page is shown half the time at %d devices a day\n",
		s.ID, p.K, p.Epsilon, p.Delta, own, strings.Join(p.Tables, ", "), p.Gate())
	return err
}

func place(embedded bool) string {
	if embedded {
		return "embedded"
	}
	return "remote"
}

type configPrint struct{ configured }

func (c configPrint) Run(a *app) error {
	cfg, err := c.load(a)
	if err != nil {
		return err
	}
	return cfg.WriteYAML(a.out)
}

type configSchema struct{}

func (configSchema) Run(a *app) error { return config.Schema(a.out) }

// version is set by the linker.
var version = ""

// programVersion is the version that was linked in, or what Go knows of the build.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

type versionCommand struct{}

func (versionCommand) Run(a *app, _ context.Context) error {
	_, err := fmt.Fprintf(a.out, "throng %s %s %s/%s\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
