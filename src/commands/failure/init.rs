use std::io;
use std::path::PathBuf;

/// The reason why a starter manifest cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The file already exists.
    #[error("write {}: it exists already", .0.display())]
    Exists(PathBuf),
    /// The folder of pictures cannot be read.
    #[error("read the folder {}: {cause}", folder.display())]
    Unreadable {
        /// The path of the folder.
        folder: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
    /// The folder has no pictures.
    #[error("find pictures in {}", .0.display())]
    NoPictures(PathBuf),
    /// A manifest can contain the name of no picture in the folder.
    #[error("write a manifest for {}: it can contain none of the names of the pictures", .0.display())]
    NoUsableNames(PathBuf),
    /// Two colors have the same name.
    #[error("use the color name `{0}` for two colors")]
    SameName(String),
    /// The file's extension is neither that of YAML nor that of CSV.
    #[error("decide what kind of manifest {} should be", .0.display())]
    UnknownKind(PathBuf),
    /// A color cannot be parsed.
    #[error("read the color `{0}`")]
    Color(String),
    /// A color's name is too long for an id.
    #[error("use the color name `{name}`: it is over {most_bytes} bytes long")]
    ColorName {
        /// The name.
        name: String,
        /// The maximum length of its slug, in bytes.
        most_bytes: usize,
    },
}

impl InitError {
    /// Returns a hint for the user.
    pub fn hint(&self) -> &'static str {
        match self {
            InitError::Exists(_) => "name another file with --out, or replace it with --force",
            InitError::Unreadable { .. } => "name a folder of pictures",
            InitError::NoPictures(_) => "name a folder that contains JPEG, PNG, GIF or WebP files",
            InitError::NoUsableNames(_) => "rename the pictures; `|` is allowed in a .yaml",
            InitError::SameName(_) => {
                "the name is part of each id: give each color its own, as in red=#FF0000,brick=#B22222"
            }
            InitError::UnknownKind(_) => "name it .yaml or .csv",
            InitError::Color(_) => {
                "write a hex such as '#1E90FF', a CSS name such as navy, or a name and a hex: ocean=#1E90FF"
            }
            InitError::ColorName { .. } => "the name is part of each id: use a shorter one, as in ocean=#1E90FF",
        }
    }
}
