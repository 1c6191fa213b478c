package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"whereby_exporter/collector/state"
)

const backupPath = "/api/v1/admin/backup"

// BackupType is the content type of a backup.
const BackupType = "application/x-tar"

// backupHandler sends a copy of the state as a tar archive. A client that does not read must
// be cut off: until then, the copy takes disk space, and no other copy can be made.
type backupHandler struct {
	take func() (*state.Backup, error) // nil if the admin API is off
	log  *slog.Logger
}

func (h backupHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !postOrPut(w, r) {
		return
	}
	if h.take == nil {
		http.Error(w, "The admin API is off; start the exporter with --web.enable-admin-api.", http.StatusForbidden)
		return
	}
	began := time.Now()
	backup, err := h.take()
	switch {
	case errors.Is(err, state.ErrBackupRunning), errors.Is(err, state.ErrInMemory):
		http.Error(w, fmt.Sprintf("The backup failed: %v.", err), http.StatusServiceUnavailable)
		return
	case err != nil:
		h.log.Error("backup failed", "err", err)
		http.Error(w, fmt.Sprintf("The backup failed: %v.", err), http.StatusInternalServerError)
		return
	}
	defer func() { _ = backup.Close() }()
	header := w.Header()
	header.Set("Content-Type", BackupType)
	header.Set("Content-Length", strconv.FormatInt(backup.Size, 10))
	header.Set("Content-Disposition", `attachment; filename="whereby_exporter-`+began.UTC().Format("20060102T150405Z")+`.tar"`)
	if _, err := io.Copy(w, backup); err != nil {
		h.log.Warn("the client did not read the backup to its end", "err", err)
		return
	}
	h.log.Info("backup taken", "bytes", backup.Size, "duration", time.Since(began).Round(time.Millisecond))
}
