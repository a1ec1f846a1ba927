;;; test.el --- eglot and the language server  -*- lexical-binding: t; -*-

;;; Commentary:

;; Run by run.sh. Prints one line a test, and ends with 1 when one failed.

;;; Code:

(defvar root (getenv "TEST_ROOT"))
(defvar workspace (file-name-as-directory (getenv "TEST_WORKSPACE")))
(defvar expected (expand-file-name "tests/editors/fixtures/expected/" root))
(defvar bottles (expand-file-name "~/.bot-bottle/bottles/"))
(defvar agents (expand-file-name "~/.bot-bottle/agents/"))
(defvar failed 0)

(add-to-list 'load-path (expand-file-name "editors/emacs" root))
(require 'yaml-mode)
(require 'markdown-mode)
(require 'bot-bottle)
(setq bot-bottle-program (expand-file-name "tests/editors/tee.py" root)
      eglot-confirm-server-initiated-edits nil
      eglot-sync-connect t
      make-backup-files nil
      create-lockfiles nil)

(defmacro test (name &rest body)
  "Run BODY as the test NAME."
  (declare (indent 1))
  `(condition-case problem
       (progn ,@body (princ (format "ok - emacs: %s\n" ,name)))
     (error (setq failed (1+ failed))
            (princ (format "not ok - emacs: %s: %s\n" ,name (error-message-string problem))))))

(defun wait (what condition)
  "Wait until CONDITION gives something, and give that back; fail with WHAT when it is late."
  (let ((deadline (+ (float-time) 10)) value)
    (while (not (setq value (funcall condition)))
      (when (> (float-time) deadline)
        (error "Waited in vain for %s" what))
      (accept-process-output nil 0.02))
    value))

(defun equals (got want what)
  (unless (equal got want)
    (error "%s: got %S, want %S" what got want)))

(defun open (file)
  "Visit FILE with eglot connected."
  (switch-to-buffer (find-file-noselect file))
  (unless (eglot-current-server)
    (apply #'eglot--connect (eglot--guess-contact))
    (wait "a server" #'eglot-current-server))
  (flymake-mode 1)
  (goto-char (point-min)))

(defun find-text (text)
  (goto-char (point-min))
  (search-forward text)
  (goto-char (match-beginning 0)))

(defun findings ()
  ;; Changes go out when Emacs is idle, which it never is here.
  (eglot--signal-textDocument/didChange)
  (flymake-start)
  (flymake-diagnostics))

(defun contents (file)
  (with-temp-buffer (insert-file-contents file) (buffer-string)))

(defun fixes (file want)
  "The finding of FILE is at its place, and its fix leaves what the file WANT holds."
  (open file)
  (let ((finding (car (wait "the finding" #'findings))))
    (equals (buffer-substring (flymake-diagnostic-beg finding) (flymake-diagnostic-end finding))
            "role: claude_code_oauth" "what is underlined")
    (let* ((actions (eglot-code-actions (flymake-diagnostic-beg finding) (flymake-diagnostic-end finding)))
           (fix (seq-find (lambda (action) (eq (plist-get action :isPreferred) t)) (append actions nil))))
      (unless fix (error "No preferred fix among %S" actions))
      (eglot--apply-workspace-edit (plist-get fix :edit))))
  (equals (buffer-string) (contents want) "the fixed text")
  (wait "a clean buffer" (lambda () (null (findings)))))

(defun hover ()
  (let* ((answer (jsonrpc-request (eglot-current-server) :textDocument/hover (eglot--TextDocumentPositionParams)))
         (contents (plist-get answer :contents)))
    (if (stringp contents) contents (plist-get contents :value))))

(test "a YAML bottle is fixed"
  (fixes (concat workspace "claude.bottle.yaml") (concat expected "claude.bottle.yaml"))
  (equals major-mode 'bot-bottle-mode "the mode"))

(test "a Markdown bottle is fixed"
  (fixes (concat bottles "old.md") (concat expected "old.md"))
  (equals major-mode 'bot-bottle-markdown-mode "the mode"))

(test "wide characters before it move no finding"
  (open (concat workspace "wide.bottle.yaml"))
  (let ((texts (mapcar (lambda (finding) (buffer-substring (flymake-diagnostic-beg finding) (flymake-diagnostic-end finding)))
                       (wait "the finding" #'findings))))
    (unless (member "role: claude_code_oauth" texts) (error "It underlines %S" texts))))

(test "hover shows the plan"
  (open (concat bottles "dev.md"))
  (find-text "agent_provider")
  (unless (string-match-p "api\\.anthropic\\.com" (hover)) (error "It shows %S" (hover))))

(test "the plan is shown"
  (open (concat bottles "dev.md"))
  (bot-bottle-plan)
  (with-current-buffer "*bot-bottle plan: dev.md*"
    (goto-char (point-min))
    (search-forward "api.anthropic.com")
    (equals buffer-read-only t "read-only")))

(test "a rule is explained"
  (eglot-execute-command (eglot-current-server) 'bot-bottle.explain ["unknown-role"])
  (with-current-buffer "*bot-bottle unknown-role*"
    (goto-char (point-min))
    (search-forward "role")))

(test "a terminal runs the program that the server names, where it says"
  (open (concat workspace "writer.agent.yaml"))
  (eglot-handle-request (eglot-current-server) 'botBottle/openTerminal
                        :title "dev" :cwd workspace :argv ["/bin/sh" "-c" "pwd; echo \"[$1]\"" "sh" "a b"])
  (wait "the output"
        (lambda () (with-current-buffer "dev"
                     (let ((text (replace-regexp-in-string "\n" "" (buffer-string))))
                       (and (string-match-p (regexp-quote (directory-file-name workspace)) text)
                            (string-match-p "\\[a b\\]" text)))))))

(test "definition jumps from an agent to its bottle"
  (open (concat agents "researcher.md"))
  (find-text "dev")
  (xref-find-definitions (xref-backend-identifier-at-point 'eglot))
  (equals buffer-file-name (concat bottles "dev.md") "the file"))

;; eglot 1.9 renames no file for a server, and the bottle's file has to be renamed with its name.
(test "rename is refused where it could only be done by half"
  (open (concat workspace "writer.agent.yaml"))
  (find-text "dev")
  (condition-case problem
      (progn (eglot-rename "lab")
             (error "It was not refused"))
    (jsonrpc-error
     (unless (string-match-p "renamed" (error-message-string problem))
       (signal (car problem) (cdr problem)))))
  (equals (buffer-string) (contents buffer-file-name) "the text"))

(dolist (server (apply #'append (hash-table-values eglot--servers-by-project)))
  (eglot-shutdown server nil 5 nil))
(kill-emacs (if (= failed 0) 0 1))

;;; test.el ends here
