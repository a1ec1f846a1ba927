;;; bot-bottle.el --- Manifests of sandboxed coding agents, by eglot  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT OR Apache-2.0
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1") (eglot "1.9"))

;;; Commentary:

;; (require 'bot-bottle) gives the manifests their modes and tells eglot about
;; their server; M-x eglot in one starts it, or
;;   (add-hook 'bot-bottle-mode-hook #'eglot-ensure)
;;   (add-hook 'bot-bottle-markdown-mode-hook #'eglot-ensure)
;; M-x bot-bottle-plan, bot-bottle-dry-run and bot-bottle-launch work on the
;; manifest in the buffer.

;;; Code:

(require 'eglot)

(defgroup bot-bottle nil
  "Manifests of sandboxed coding agents."
  :group 'tools)

(defcustom bot-bottle-program "bot-bottle"
  "The program that is the language server."
  :type 'string)

(eval-and-compile
  (defun bot-bottle--first-mode (&rest modes)
    "The first of MODES that this Emacs has."
    (seq-find #'fboundp modes)))

;; Highlighting by whatever is there; `conf-mode' knows `#' and nothing more.
(defalias 'bot-bottle--yaml-mode (bot-bottle--first-mode 'yaml-mode 'conf-mode))
(defalias 'bot-bottle--text-mode (bot-bottle--first-mode 'markdown-mode 'text-mode))

;;;###autoload
(define-derived-mode bot-bottle-mode bot-bottle--yaml-mode "Bottle"
  "A bottle or an agent in YAML."
  (setq-local comment-start "# " comment-end "" indent-tabs-mode nil tab-width 2))

;;;###autoload
(define-derived-mode bot-bottle-markdown-mode bot-bottle--text-mode "Bottle/md"
  "A bottle or an agent in Markdown with frontmatter."
  (setq-local indent-tabs-mode nil tab-width 2))

;;;###autoload
(progn
  (add-to-list 'auto-mode-alist
               '("\\(?:\\(?:/\\|\\`\\)bottle\\.yaml\\|\\.\\(?:bottle\\|agent\\)\\.ya?ml\\)\\'" . bot-bottle-mode))
  (add-to-list 'auto-mode-alist
               '("/\\.bot-bottle/\\(?:bottles\\|agents\\)/[^/]+\\.md\\'" . bot-bottle-markdown-mode)))

(put 'bot-bottle-mode 'eglot-language-id "bottle")
(put 'bot-bottle-markdown-mode 'eglot-language-id "bottle-markdown")

(defclass bot-bottle-server (eglot-lsp-server) ()
  :documentation "The language server of bot-bottle.")

(add-to-list 'eglot-server-programs
             `((bot-bottle-mode bot-bottle-markdown-mode)
               . ,(lambda (&rest _) (list 'bot-bottle-server bot-bottle-program "lsp"))))

(cl-defmethod eglot-client-capabilities ((_server bot-bottle-server))
  "The usual capabilities, and that a terminal can be opened."
  (let ((usual (cl-call-next-method)))
    (plist-put (copy-sequence usual) :experimental '(:botBottle (:terminal t)))))

(cl-defmethod eglot-handle-request
  ((_server bot-bottle-server) (_method (eql botBottle/openTerminal)) &key title cwd argv)
  "Run ARGV in a terminal named TITLE in the folder CWD."
  (require 'term)
  (let* ((default-directory (file-name-as-directory cwd))
         (buffer (apply #'term-ansi-make-term (generate-new-buffer-name title)
                        (aref argv 0) nil (append (substring argv 1) nil))))
    (with-current-buffer buffer
      (term-mode)
      (term-char-mode))
    (pop-to-buffer buffer)
    nil))

(defun bot-bottle--execute (command)
  "Run COMMAND of the server on this buffer's manifest and return the answer."
  (jsonrpc-request (eglot--current-server-or-lose) :workspace/executeCommand
                   (list :command command
                         :arguments (vector (plist-get (eglot--TextDocumentIdentifier) :uri)))))

(defun bot-bottle--show (title text)
  "Show TEXT in a read-only buffer named TITLE."
  (with-current-buffer (get-buffer-create (format "*bot-bottle %s*" title))
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert text)
      (goto-char (point-min))
      (when (fboundp 'markdown-view-mode)
        (funcall 'markdown-view-mode))
      (setq buffer-read-only t))
    (display-buffer (current-buffer))))

(cl-defmethod eglot-execute-command ((_server bot-bottle-server) command arguments)
  "Run COMMAND with ARGUMENTS, as a code action asks; a text that comes back is shown."
  (let ((answer (cl-call-next-method)))
    (when (stringp answer)
      (bot-bottle--show (format "%s" (if (seq-empty-p arguments) command (elt arguments 0))) answer))))

;;;###autoload
(defun bot-bottle-plan ()
  "Show what the manifest in this buffer provisions."
  (interactive)
  (bot-bottle--show (format "plan: %s" (buffer-name)) (bot-bottle--execute "bot-bottle.plan")))

;;;###autoload
(defun bot-bottle-dry-run ()
  "Show what a launch of the manifest in this buffer would do."
  (interactive)
  (bot-bottle--show (format "dry run: %s" (buffer-name)) (bot-bottle--execute "bot-bottle.dryRun")))

;;;###autoload
(defun bot-bottle-launch ()
  "Save the manifest in this buffer and launch its agent in a terminal."
  (interactive)
  (save-buffer)
  (bot-bottle--execute "bot-bottle.launch"))

(provide 'bot-bottle)
;;; bot-bottle.el ends here
