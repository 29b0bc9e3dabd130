// Questions to the reader: a dialog with a form.

/**
 * Opens a dialog. `listen` gets its form, `finish`, which closes it with a result, and a signal that is aborted at its
 * end, for listeners and calls. Where the reader gives up, the result is null.
 */
export function openDialog(dialog, listen) {
  const form = dialog.querySelector("form");
  const ended = new AbortController();
  const { signal } = ended;
  return new Promise(resolve => {
    const finish = result => {
      ended.abort();
      dialog.close();
      resolve(result);
    };
    form.querySelector(".cancel").addEventListener("click", () => dialog.close(), { signal });
    dialog.addEventListener("close", () => finish(null), { signal });
    listen({ form, finish, signal });
    dialog.showModal();
  });
}
