// Shows the picture that somebody chose before it is sent. The site works without it.
for (const input of document.querySelectorAll('input[type="file"]')) {
  const preview = new Image();
  preview.className = "preview";
  preview.alt = "";
  input.addEventListener("change", () => {
    URL.revokeObjectURL(preview.src);
    preview.remove();
    const [file] = input.files;
    if (file && file.type.startsWith("image/")) {
      preview.src = URL.createObjectURL(file);
      input.after(preview);
    }
  });
}
