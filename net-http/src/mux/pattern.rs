//! Patterns: `[METHOD ][HOST]/PATH`, with `{name}`, `{name...}` and `{$}`.

use core::fmt;

use super::path::{Segments, is_clean};
use crate::query::Encoded;
use crate::wire::ascii::{cut, is_token, piece};

/// A pattern that was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern<'p> {
    /// As it was registered.
    pub(crate) text: &'p str,
    /// Empty: any.
    pub(crate) method: &'p str,
    /// Empty: any.
    pub(crate) host: &'p str,
    path: &'p str,
}

/// Why a pattern was not registered.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PatternError {
    /// It is empty.
    Empty,
    /// What stands before the space is no method.
    Method,
    /// It has no path: the slash is missing.
    NoPath,
    /// A brace in the host: perhaps the slash before it is missing.
    HostBrace,
    /// With a method, a path like `/a//b` can never match.
    NeverMatches,
    /// A wildcard must be a whole segment: `{` first and `}` last.
    PartOfSegment,
    /// `{$}` and `{name...}` only stand at the end.
    NotAtEnd,
    /// A name must be a letter, then letters and digits.
    WildcardName,
    /// A name stands twice in one pattern.
    NameTwice,
    /// Some requests would match this pattern and an earlier one, neither of which is more specific.
    Conflict,
    /// The route table is full.
    Full,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty pattern",
            Self::Method => "invalid method in pattern",
            Self::NoPath => "pattern without a path",
            Self::HostBrace => "host of a pattern contains '{'",
            Self::NeverMatches => "pattern with a method and an unclean path can never match",
            Self::PartOfSegment => "wildcard of a pattern must be a whole segment",
            Self::NotAtEnd => "{$} and {...} must be at the end of a pattern",
            Self::WildcardName => "bad name of a wildcard",
            Self::NameTwice => "wildcard name used twice in a pattern",
            Self::Conflict => "pattern conflicts with an earlier one",
            Self::Full => "route table is full",
        })
    }
}

impl core::error::Error for PatternError {}

/// One segment of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment<'p> {
    Literal(Encoded<'p>),
    /// `{name}`
    One(&'p str),
    /// `{name...}`, or a slash at the end.
    Rest(&'p str),
    /// `{$}`
    End,
}

/// How two patterns relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Same,
    MoreGeneral,
    MoreSpecific,
    Disjoint,
    /// Some requests match both, and each matches some that the other does not.
    Overlap,
}

impl<'p> Pattern<'p> {
    pub(crate) fn parse(text: &'p str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        let blank = |byte: u8| matches!(byte, b' ' | b'\t');
        let (method, rest) = match text.bytes().position(blank) {
            Some(end) => text.split_at_checked(end).unwrap_or_default(),
            None => ("", text),
        };
        let blanks = rest.bytes().take_while(|byte| blank(*byte)).count();
        let rest = rest.get(blanks..).unwrap_or_default();
        if !method.is_empty() && !is_token(method.as_bytes()) {
            return Err(PatternError::Method);
        }
        let slash = rest.bytes().position(|byte| byte == b'/').ok_or(PatternError::NoPath)?;
        let (host, path) = rest.split_at_checked(slash).ok_or(PatternError::NoPath)?;
        if host.bytes().any(|byte| byte == b'{') {
            return Err(PatternError::HostBrace);
        }
        if !matches!(method, "" | "CONNECT") && !is_clean(path) {
            return Err(PatternError::NeverMatches);
        }
        let pattern = Self { text, method, host, path };
        pattern.check_segments()?;
        Ok(pattern)
    }

    fn check_segments(&self) -> Result<(), PatternError> {
        let mut rest = self.path;
        while let Some(behind) = rest.strip_prefix('/') {
            let end = behind.bytes().position(|byte| byte == b'/').unwrap_or(behind.len());
            let (segment, next) = behind.split_at_checked(end).unwrap_or_default();
            if segment.bytes().any(|byte| byte == b'{') {
                let earlier = self.path.len() - rest.len();
                check_wildcard(segment, next, self.path.get(..earlier).unwrap_or_default())?;
            }
            rest = next;
        }
        Ok(())
    }

    fn segments(&self) -> impl Iterator<Item = Segment<'p>> + Clone + use<'p> {
        let mut segments = Segments::raw(self.path);
        core::iter::from_fn(move || Segment::next(&mut segments))
    }

    /// How many slashes a path has that this pattern matches exactly; `None` if the pattern does
    /// not take the rest of a path.
    pub(crate) fn rest_depth(&self) -> Option<usize> {
        let takes_rest = matches!(self.segments().last(), Some(Segment::Rest(_)));
        takes_rest.then(|| self.segments().count())
    }

    /// Whether requests with this method may match.
    pub(crate) fn takes_method(&self, method: &str) -> bool {
        matches!((self.method, method), ("", _) | ("GET", "HEAD")) || self.method == method
    }

    /// Whether a path matches.
    pub(crate) fn takes_path(&self, mut path: Segments<'_>) -> bool {
        for segment in self.segments() {
            let here = path.next();
            let fits = match (segment, here) {
                (Segment::Rest(_), here) => return here.is_some(),
                (Segment::End, here) => return here == Some(""),
                (Segment::Literal(text), Some(here)) => text == Encoded::path(here),
                (Segment::One(_), Some(here)) => !here.is_empty(),
                (_, None) => false,
            };
            if !fits {
                return false;
            }
        }
        path.next().is_none()
    }

    /// What `path`, which matches, has in the place of a wildcard.
    pub(crate) fn value<'a>(&self, name: &str, path: &'a str) -> Option<Encoded<'a>> {
        let mut rest = path.strip_prefix('/')?;
        for segment in self.segments() {
            let (here, behind) = cut(rest, b'/').unwrap_or((rest, ""));
            match segment {
                Segment::Rest(have) => return (have == name).then_some(Encoded::path(rest)),
                Segment::One(have) if have == name => return Some(Encoded::path(here)),
                _ => rest = behind,
            }
        }
        None
    }

    /// How the methods and paths of two patterns relate. Hosts are not looked at.
    #[inline(never)]
    pub(crate) fn relation(&self, other: &Self) -> Relation {
        let methods = match (self.method, other.method) {
            (a, b) if a == b => Relation::Same,
            ("", _) | ("GET", "HEAD") => Relation::MoreGeneral,
            (_, "") | ("HEAD", "GET") => Relation::MoreSpecific,
            _ => Relation::Disjoint,
        };
        methods.and(self.path_relation(other))
    }

    fn path_relation(&self, other: &Self) -> Relation {
        let (mut ours, mut theirs) = (self.segments(), other.segments());
        let mut relation = Relation::Same;
        loop {
            let step = match (ours.next(), theirs.next()) {
                (None, None) => return relation,
                (Some(Segment::Rest(_)), Some(Segment::Rest(_))) => return relation,
                (Some(Segment::Rest(_)), Some(_)) => return relation.and(Relation::MoreGeneral),
                (Some(_), Some(Segment::Rest(_))) => return relation.and(Relation::MoreSpecific),
                (None, Some(_)) | (Some(_), None) => return Relation::Disjoint,
                (Some(ours), Some(theirs)) => ours.relation(&theirs),
            };
            relation = relation.and(step);
            if relation == Relation::Disjoint {
                return relation;
            }
        }
    }

    /// Whether both cannot be registered together.
    pub(crate) fn conflicts_with(&self, other: &Self) -> bool {
        self.host == other.host
            && matches!(self.relation(other), Relation::Same | Relation::Overlap)
    }
}

impl<'p> Segment<'p> {
    /// The segment of a pattern that is next in its path.
    #[inline(never)]
    fn next(path: &mut Segments<'p>) -> Option<Self> {
        let text = path.next()?;
        let last = path.clone().next().is_none();
        let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        Some(match inside {
            None if last && text.is_empty() => Segment::Rest(""),
            None => Segment::Literal(Encoded::path(text)),
            Some("$") => Segment::End,
            Some(name) => match name.strip_suffix("...") {
                Some(name) => Segment::Rest(name),
                None => Segment::One(name),
            },
        })
    }

    fn relation(&self, other: &Self) -> Relation {
        match (self, other) {
            (Self::One(_), Self::One(_)) | (Self::End, Self::End) => Relation::Same,
            (Self::One(_), Self::Literal(_)) => Relation::MoreGeneral,
            (Self::Literal(_), Self::One(_)) => Relation::MoreSpecific,
            (Self::Literal(ours), Self::Literal(theirs)) if ours == theirs => Relation::Same,
            _ => Relation::Disjoint,
        }
    }
}

impl Relation {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Disjoint, _) | (_, Self::Disjoint) => Self::Disjoint,
            (Self::Same, other) => other,
            (this, Self::Same) => this,
            (this, other) if this == other => this,
            _ => Self::Overlap,
        }
    }
}

fn check_wildcard(segment: &str, behind: &str, earlier: &str) -> Result<(), PatternError> {
    let inside = segment
        .strip_prefix('{')
        .and_then(|segment| segment.strip_suffix('}'))
        .ok_or(PatternError::PartOfSegment)?;
    let (name, at_end) = match inside.strip_suffix("...") {
        Some(name) => (name, true),
        None => (inside, inside == "$"),
    };
    if at_end && !behind.is_empty() {
        return Err(PatternError::NotAtEnd);
    }
    if inside == "$" {
        return Ok(());
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) || !is_name(name) {
        return Err(PatternError::WildcardName);
    }
    let mut rest = Some(earlier);
    while let Some(segment) = piece(&mut rest, b'/') {
        if segment.strip_prefix('{').and_then(|text| text.strip_suffix('}')) == Some(name) {
            return Err(PatternError::NameTwice);
        }
    }
    Ok(())
}

/// Letters, digits and underscores. What is not ASCII counts as a letter: the tables that could tell
/// are larger than the rest of the router.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
    !text.is_empty() && text.bytes().all(fits)
}
