package backfill

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	redrawEvery = 200 * time.Millisecond
	logEvery    = 30 * time.Second
	barWidth    = 30
)

// progress shows how far a run is: with a bar on a terminal, otherwise with a log line now
// and then. It is safe for concurrent use.
type progress struct {
	terminal io.Writer // nil if nobody watches
	log      *slog.Logger

	mu          sync.Mutex
	what        string
	all, so     int64 // all is 0 if unknown
	began       time.Time
	at          int64 // so when the first of this run was done
	told, drawn time.Time
	width       int // of the text on the line
}

// begin starts a part of the work.
func (p *progress) begin(what string, all int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.what, p.all, p.so, p.at = what, all, 0, -1
	p.began = time.Now()
	p.told, p.drawn = p.began, time.Time{}
}

// done adds to the finished work. An earlier run's part comes first, all at once.
func (p *progress) done(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.so += n
	if p.at < 0 {
		p.at = p.so
	}
	now := time.Now()
	switch {
	case p.terminal != nil && (now.Sub(p.drawn) >= redrawEvery || p.so == p.all):
		p.drawn = now
		p.draw(now)
	case p.terminal == nil && now.Sub(p.told) >= logEvery:
		p.told = now
		args := []any{"reading", p.what, "done", p.so}
		if p.all > 0 {
			args = append(args, "of", p.all)
		}
		if left, ok := p.left(now); ok {
			args = append(args, "left", left)
		}
		p.log.Info("backfill in progress", args...)
	}
}

// left estimates the time to the end of this part.
func (p *progress) left(now time.Time) (time.Duration, bool) {
	if p.all == 0 || p.so <= p.at || p.so >= p.all {
		return 0, false
	}
	each := float64(now.Sub(p.began)) / float64(p.so-p.at)
	return time.Duration(each * float64(p.all-p.so)).Round(time.Second), true
}

func (p *progress) draw(now time.Time) {
	line := fmt.Sprintf("%s: %d", p.what, p.so)
	if p.all > 0 {
		full := int(barWidth * p.so / p.all)
		line = fmt.Sprintf("[%s%s] %3d%%  %s: %d of %d", strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
			100*p.so/p.all, p.what, p.so, p.all)
		if left, ok := p.left(now); ok {
			line += fmt.Sprintf(", about %v left", left)
		}
	}
	// Blanks hide the rest of a longer line.
	fmt.Fprintf(p.terminal, "\r%-*s", p.width, line)
	p.width = len(line)
}

// clear leaves an empty line for what is printed next.
func (p *progress) clear() {
	if p.terminal != nil && p.width > 0 {
		fmt.Fprintf(p.terminal, "\r%*s\r", p.width, "")
		p.width = 0
	}
}

// end clears the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}
