package embedded

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Version is the version of libchdb that Throng is built and tested with.
const Version = "26.7.3-stable.1"

const (
	libraryName = "libchdb.so"
	libraryEnv  = "THRONG_CHDB_LIB"
)

// ErrNoLibrary says that there is no engine on this machine, or that what is there is not a complete
// one. The message names what to do.
var ErrNoLibrary = errors.New("the embedded ClickHouse engine is not installed")

const remedy = "run `make engine`, or set " + libraryEnv + " to the path of a libchdb.so of version " + Version

// Find is the path of the engine's library: $THRONG_CHDB_LIB, else libchdb.so beside the running
// binary, else the copy of this [Version] in the user's cache folder, where `make engine` puts it.
// It does not look into the file; [Open] does. The error matches [ErrNoLibrary].
func Find() (string, error) {
	if path := os.Getenv(libraryEnv); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("find engine: %s is set, but: %w: %w", libraryEnv, err, ErrNoLibrary)
		}
		return path, nil
	}
	for _, path := range candidates() {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("find engine: %w: %s", ErrNoLibrary, remedy)
}

func candidates() (paths []string) {
	if exe, err := os.Executable(); err == nil {
		paths = append(paths, filepath.Join(filepath.Dir(exe), libraryName))
	}
	if cache, err := os.UserCacheDir(); err == nil {
		paths = append(paths, filepath.Join(cache, "throng", "chdb-"+Version+"-"+platform(), libraryName))
	}
	return paths
}

// platform is the name by which npm knows this machine.
func platform() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	return runtime.GOOS + "-" + arch
}

// check refuses a library that would kill the process when it is loaded: the loader maps the file
// and a page beyond its end is a SIGBUS. The stamp that `make engine` leaves beside the library says
// that its SHA-256 was checked when the file had this size and modification time; hashing 570 MB at
// every start would cost more than the start. Without a stamp the ELF headers must fit the file.
func check(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: %w: %s", ErrNoLibrary, err, remedy)
	}
	stamp, err := os.ReadFile(path + ".stamp")
	if err == nil {
		if want := fmt.Sprintf("size %d\nmtime %d\n", st.Size(), st.ModTime().Unix()); !strings.HasPrefix(string(stamp), want) {
			return fmt.Errorf("%w: %s is not the file that its stamp describes: %s", ErrNoLibrary, path, remedy)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read stamp of engine: %w", err)
	}
	if err := checkELF(path, uint64(st.Size())); err != nil {
		return fmt.Errorf("%w: %s: %w: %s", ErrNoLibrary, path, err, remedy)
	}
	return nil
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

func checkELF(path string, size uint64) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("not a shared library, or cut short: %w", err)
	}
	defer f.Close()
	if f.Type != elf.ET_DYN || f.Machine != machines[runtime.GOARCH] {
		return fmt.Errorf("%v for %v is not a shared library for this machine", f.Type, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Off+p.Filesz > size {
			return errors.New("cut short")
		}
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS && s.Offset+s.FileSize > size {
			return errors.New("cut short")
		}
	}
	return nil
}
