package backfill

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/durable"
)

// The files of the work directory.
const (
	parametersFile = "parameters.json"
	lockFile       = "lock"
	roomsFile      = "rooms"
	listedFile     = "rooms.listed" // while rooms are being listed
	sessionsFile   = "sessions"
	peopleFile     = "participants"
	readyFile      = "ready" // how many output files are waiting to be moved into place
	outputFile     = "output"
)

// workVersion counts the incompatible changes of the work directory.
const workVersion = 1

// WorkSuffix follows the output's name in the name of the work directory.
const WorkSuffix = ".partial"

// work is the directory next to the output that holds the data read so far.
type work struct {
	dir    string
	output string
	params parameters
	unlock func()
}

// parameters are the parameters of a run. A run that continues it must have the same.
type parameters struct {
	Version     int               `json:"version"`
	URL         string            `json:"url"`
	Start       string            `json:"start"`
	End         string            `json:"end"`
	Interval    string            `json:"interval"`
	Labels      map[string]string `json:"labels"`
	Concurrency bool              `json:"concurrency"`
	Storage     string            `json:"storage"`
	Prefixes    string            `json:"prefixes"`
}

func (o *Options) parameters() parameters {
	p := parameters{
		Version: workVersion, URL: o.Client.BaseURL, Start: text(o.Start), End: text(o.End),
		Interval: o.Interval.String(), Labels: map[string]string{}, Concurrency: o.Concurrency,
		Storage: o.StoragePath, Prefixes: prefixSum(o.File),
	}
	for _, l := range o.Labels {
		p.Labels[l.Name] = l.Value
	}
	return p
}

// prefixSum differs for configuration files that assign rooms to different prefixes.
func prefixSum(c *config.Config) string {
	h := sha256.New()
	fmt.Fprintf(h, "%v\n%d\n", c.RoomPrefixes.Pattern, c.RoomPrefixes.Limit)
	var prefixes []string
	for _, customer := range c.Customers {
		prefixes = append(prefixes, customer.RoomPrefix)
	}
	slices.Sort(prefixes)
	fmt.Fprint(h, strings.Join(prefixes, "\n"))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// differs returns the names of the flags in which the runs differ.
func (p parameters) differs(o parameters) (flags []string) {
	for flag, same := range map[string]bool{
		"--whereby.url": p.URL == o.URL, "--start": p.Start == o.Start, "--end": p.End == o.End,
		"--interval": p.Interval == o.Interval, "--concurrency": p.Concurrency == o.Concurrency,
		"--storage.path": p.Storage == o.Storage, "--label": fmt.Sprint(p.Labels) == fmt.Sprint(o.Labels),
		"the room prefixes of --config.file": p.Prefixes == o.Prefixes,
	} {
		if !same {
			flags = append(flags, flag)
		}
	}
	slices.Sort(flags)
	return flags
}

// openWork creates the work directory, or opens that of an earlier run with the same
// parameters. An --end that was not given keeps the earlier run's value.
func openWork(o *Options, now time.Time) (w *work, resumed bool, err error) {
	w = &work{dir: o.Output + WorkSuffix, output: o.Output}
	if err := w.free(); err != nil {
		return nil, false, fmt.Errorf("--output: %w", err)
	}
	if err := os.Mkdir(w.dir, 0o750); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, false, fmt.Errorf("--output: %w", err)
	}
	if w.unlock, err = lock(w.path(lockFile)); err != nil {
		return nil, false, fmt.Errorf("--output: %w", err)
	}
	if resumed, err = w.begin(o, now); err != nil {
		w.unlock()
		return nil, false, err
	}
	return w, resumed, nil
}

// free fails on files that the output would replace, or that would be taken for its parts.
func (w *work) free() error {
	entries, err := os.ReadDir(filepath.Dir(w.output))
	if err != nil {
		return err
	}
	base := filepath.Base(w.output)
	for _, entry := range entries {
		rest, ok := strings.CutPrefix(entry.Name(), base)
		number := strings.TrimPrefix(rest, ".")
		part := rest == "" || len(number) < len(rest) && number != "" && strings.Trim(number, "0123456789") == ""
		switch {
		case ok && part && !w.moving():
			w.removeEmpty()
			return fmt.Errorf("%s already exists; move it away, or name another file", filepath.Join(filepath.Dir(w.output), entry.Name()))
		case entry.Name() == filepath.Base(w.dir) && !entry.IsDir():
			return fmt.Errorf("%s must be a directory for work in progress; move it away", w.dir)
		}
	}
	return nil
}

// begin writes the parameters, or compares them with existing ones.
func (w *work) begin(o *Options, now time.Time) (resumed bool, err error) {
	content, err := os.ReadFile(w.path(parametersFile))
	if errors.Is(err, os.ErrNotExist) {
		if o.End.IsZero() {
			o.End = now.Add(-HeadAge).Truncate(time.Second)
		}
		w.params = o.parameters()
		content, err = json.MarshalIndent(w.params, "", "  ")
		if err != nil {
			return false, err
		}
		if err := durable.Replace(w.path(parametersFile), durable.Content(content)); err != nil {
			return false, fmt.Errorf("--output: %w", err)
		}
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("--output: %w", err)
	}
	var before parameters
	if err := json.Unmarshal(content, &before); err != nil {
		return false, w.explain(durable.Damaged(w.path(parametersFile), errors.New("it is not JSON")))
	}
	if before.Version != workVersion {
		return false, w.explain(durable.Damaged(w.path(parametersFile),
			fmt.Errorf("its version is %d, and this program knows %d", before.Version, workVersion)))
	}
	if o.End.IsZero() {
		if o.End, err = time.Parse(time.RFC3339, before.End); err != nil {
			return false, w.explain(durable.Damaged(w.path(parametersFile), errors.New("its end is not a time")))
		}
	}
	if flags := before.differs(o.parameters()); len(flags) > 0 {
		return false, fmt.Errorf("%s holds the work of a run with other %s; run the command as before, or delete %s to start over",
			w.dir, strings.Join(flags, ", "), w.dir)
	}
	w.params = before
	return true, nil
}

// explain adds the remedy to an error about a damaged work file. Errors about a damaged
// exporter's store have their own.
func (w *work) explain(err error) error {
	var damaged *durable.DamagedError
	if errors.As(err, &damaged) && filepath.Dir(damaged.Path) == filepath.Clean(w.dir) {
		return fmt.Errorf("work file %w; delete %s to start over", damaged, w.dir)
	}
	return err
}

func (w *work) path(name string) string { return filepath.Join(w.dir, name) }

// outputPath is where output file i belongs.
func (w *work) outputPath(i int) string {
	if i == 0 {
		return w.output
	}
	return fmt.Sprintf("%s.%d", w.output, i)
}

// moving reports whether an earlier run had begun to move its output into place.
func (w *work) moving() bool {
	_, err := os.Stat(w.path(readyFile))
	return err == nil
}

// finish moves the output into place, the first file last, as the sign that all are
// there. Then it deletes the work.
func (w *work) finish(files int) error {
	for i := files - 1; i >= 0; i-- {
		err := os.Rename(w.path(fmt.Sprintf("%s.%d", outputFile, i)), w.outputPath(i))
		if errors.Is(err, os.ErrNotExist) {
			// An earlier run has moved it.
			_, err = os.Stat(w.outputPath(i))
		}
		if err != nil {
			return fmt.Errorf("--output: %w", err)
		}
	}
	if err := durable.SyncDir(filepath.Dir(w.output)); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	w.unlock()
	if err := w.remove(); err != nil {
		return fmt.Errorf("--output: the files are complete, but the work directory could not be deleted: %w", err)
	}
	return nil
}

// remove deletes the work. It deletes the file that marks the output as moved last: if
// this run is killed, the later one finishes the removal, and does not find the output in
// its way.
func (w *work) remove() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == readyFile {
			continue
		}
		if err := os.RemoveAll(w.path(entry.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(w.dir)
}

// removeEmpty deletes the work directory if it is empty, which is all that is left by a
// run killed at its very end.
func (w *work) removeEmpty() {
	if entries, err := os.ReadDir(w.dir); err == nil && len(entries) == 0 {
		_ = os.Remove(w.dir)
	}
}
