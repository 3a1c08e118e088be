//! Files as people and attackers upload them, made here so that no binary lies in the repository.

#![expect(clippy::format_collect, reason = "a fixture is made once, and read more often")]

use std::{fmt::Write as _, io::Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

/// Objects 1, 2, … as a PDF; the first is its catalog.
pub(crate) fn pdf(objects: &[String]) -> Vec<u8> {
    let (mut file, mut places) = (String::from("%PDF-1.7\n"), Vec::new());
    for (number, object) in (1..).zip(objects) {
        places.push(file.len());
        write!(file, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let start = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    write!(file, "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1).unwrap();
    file.into_bytes()
}

fn stream(entries: &str, content: &str) -> String {
    format!("<<{entries}/Length {}>>\nstream\n{content}\nendstream", content.len())
}

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const HELVETICA: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";

/// A catalog, the tree of its pages, a font, and pages that show these operators.
fn pages(font: &str, contents: &[String], more: &[String]) -> Vec<u8> {
    let more_from = 4 + 2 * contents.len();
    let kids: String = (0..contents.len()).map(|page| format!("{} 0 R ", 4 + 2 * page)).collect();
    let tree = format!("<</Type/Pages/Count {}/Kids[{kids}]>>", contents.len());
    let mut objects = vec![CATALOG.to_owned(), tree, font.to_owned()];
    for (page, content) in contents.iter().enumerate() {
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {} 0 R/Resources<</Font<</F 3 0 R>>/XObject<</X {more_from} 0 R>>>>>>",
            5 + 2 * page
        ));
        objects.push(stream("", content));
    }
    objects.extend_from_slice(more);
    pdf(&objects)
}

/// Pages with these lines.
pub(crate) fn text_pdf(lines: &[&[&str]]) -> Vec<u8> {
    let show = |line: &&str| format!("({line}) Tj 0 -14 Td ");
    let page = |lines: &&[&str]| format!("BT /F 12 Tf 72 720 Td {}ET", lines.iter().map(show).collect::<String>());
    pages(HELVETICA, &lines.iter().map(page).collect::<Vec<_>>(), &[])
}

/// A page with one line as it is painted: its letters from left to right, in a font that says what they mean.
pub(crate) fn painted_pdf(line: &str) -> Vec<u8> {
    let letters: Vec<char> = line.chars().collect();
    let codes: String = (1..=letters.len()).map(|code| format!("{code:04X}")).collect();
    let mapping = |(code, letter): (usize, &char)| {
        let units: String = letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("{unit:04X}")).collect();
        format!("<{code:04X}> <{units}>\n")
    };
    let mappings: String = (1..).zip(&letters).map(mapping).collect();
    let map = format!(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def /CMapType 2 def\n\
         1 begincodespacerange <0000> <FFFF> endcodespacerange\n{} beginbfchar\n{mappings}endbfchar\nendcmap end end",
        letters.len()
    );
    let font = "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 7 0 R>>";
    let descendant = "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor 8 0 R/DW 500>>";
    let about = "<</Type/FontDescriptor/FontName/X/Flags 4/FontBBox[0 0 9 9]/ItalicAngle 0/Ascent 9/Descent 0/CapHeight 9/StemV 1>>";
    let content = format!("BT /F 12 Tf 72 720 Td <{codes}> Tj ET");
    pages(font, &[content], &[descendant.to_owned(), stream("", &map), about.to_owned()])
}

/// A page that draws a form, which draws itself.
pub(crate) fn pdf_that_draws_itself() -> Vec<u8> {
    let form = stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>", "/X Do");
    pages(HELVETICA, &["/X Do".to_owned()], &[form])
}

/// A page that draws a form, which draws another ten times, which draws another ten times, and so on.
pub(crate) fn pdf_without_end() -> Vec<u8> {
    let form = |level: usize| {
        let entries = format!("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {} 0 R>>>>", 7 + level);
        stream(&entries, &"/X Do ".repeat(10))
    };
    let mut forms: Vec<String> = (0..15).map(form).collect();
    forms.push(stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", "q Q"));
    pages(HELVETICA, &["/X Do".to_owned()], &forms)
}

/// A tree of pages whose only branch is the tree.
pub(crate) fn pdf_whose_pages_are_a_ring() -> Vec<u8> {
    pdf(&[CATALOG.to_owned(), "<</Type/Pages/Count 1/Kids[2 0 R]>>".to_owned()])
}

/// So many pages with nothing on them.
pub(crate) fn pdf_of_pages(count: usize) -> Vec<u8> {
    let kids: String = (0..count).map(|page| format!("{} 0 R ", page + 3)).collect();
    let mut objects = vec![CATALOG.to_owned(), format!("<</Type/Pages/Count {count}/Kids[{kids}]>>")];
    objects.extend((0..count).map(|_| "<</Type/Page/Parent 2 0 R>>".to_owned()));
    pdf(&objects)
}

const STYLES: &str =
    "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"Titre1\"><w:name w:val=\"heading 1\"/></w:style></w:styles>";

/// A Word document with this body.
pub(crate) fn docx(body: &str) -> Vec<u8> {
    let document = format!("<?xml version=\"1.0\"?><w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    archive(&[("word/styles.xml", STYLES.as_bytes()), ("word/document.xml", document.as_bytes())])
}

/// A Word document of some hundred kilobytes whose body has this many bytes.
pub(crate) fn docx_bomb(bytes: usize) -> Vec<u8> {
    let mut document = b"<w:document><w:body><w:p><w:r><w:t>".to_vec();
    document.resize(bytes, b' ');
    archive(&[("word/document.xml", &document)])
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
