// Command throng turns web access logs into readership tables that are safe to publish.
//
// This package holds the command line, the way from the configuration to each room's options, and
// the order in which things start and stop. It decides which broker and which store a process uses;
// no room knows. `throng --help` lists the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"throng"
)

// Exit codes. They are part of the command line's contract.
const (
	exitOK      = 0
	exitFailure = 1 // the command failed, or what it checks does not hold
	exitUsage   = 2 // the command line or the configuration was refused
	exitUnread  = 3 // what was to be checked could not be read
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := noCoreDumps(); err != nil {
		fmt.Fprintln(os.Stderr, "throng: switch off core dumps:", err)
		os.Exit(exitFailure)
	}
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}, os.Environ(), systemClock{}))
}

// streams are the process's standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// app is what every command is run with.
type app struct {
	streams
	environ []string
	clock   throng.Clock
}

// usageError is an error of the command line or the configuration.
type usageError struct{ error }

// run parses the command line and runs the command.
func run(ctx context.Context, args []string, std streams, environ []string, clock throng.Clock) int {
	a := &app{streams: std, environ: environ, clock: clock}
	exited := -1
	parser, err := newParser(std, func(code int) { exited = code })
	if err != nil {
		fmt.Fprintln(std.err, "throng:", err)
		return exitFailure
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	cmd, err := parser.Parse(args)
	if exited >= 0 { // --help was printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(std.err, "throng: %v\nthrong: %s\n", err, whereHelpIs(err))
		return exitUsage
	}
	cmd.BindTo(ctx, (*context.Context)(nil))
	if err := cmd.Run(a); err != nil {
		fmt.Fprintln(std.err, "throng:", err)
		var usage usageError
		var unread unreadError
		switch {
		case errors.As(err, &usage):
			return exitUsage
		case errors.As(err, &unread):
			return exitUnread
		}
		return exitFailure
	}
	return exitOK
}

// whereHelpIs says which command's help tells what a wrong command line wants.
func whereHelpIs(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		if command := wrong.Context.Selected(); command != nil {
			return fmt.Sprintf("`%s --help` says what it takes, with an example", command.FullPath())
		}
	}
	return "`throng --help` lists the commands"
}

// newParser describes the command line. exit is called when the help was printed.
func newParser(std streams, exit func(code int)) (*kong.Kong, error) {
	return kong.New(&commands{},
		kong.Name("throng"),
		kong.Description("Turns web access logs into readership tables that are safe to publish."),
		kong.UsageOnError(),
		kong.Writers(std.out, std.err),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
}
