use super::*;
use crate::models::ModelName;
#[test]
fn dump() {
    let Some(folder) = std::env::var_os("DUMP") else {
        return;
    };
    let dir = std::path::PathBuf::from(std::env::var_os("SIGHTLINE_MODELS_DIR").unwrap());
    let base = Arc::new(Recogniser::embedded().unwrap());
    let r = LabelRecogniser::new(
        base,
        InstalledModel::find(&dir, ModelName::Objects),
        InstalledModel::find(&dir, ModelName::Classes),
    );
    let request = DetectLabelsRequest {
        min_confidence: Some(0.0),
        ..DetectLabelsRequest::default()
    };
    let mut all = serde_json::Map::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(picture) = Picture::decode(&std::fs::read(&path).unwrap()) else {
            continue;
        };
        let start = std::time::Instant::now();
        let found = r.detect_labels(&picture, &request, None).unwrap();
        let ms = start.elapsed().as_millis() as u64;
        let seen = r.look_at(&picture).unwrap();
        let t = r.tables().unwrap();
        let base: Vec<(String, f32)> = findings::of_base(t, r.base.table(), &seen.base)
            .iter()
            .filter(|f| f.confidence > 30.0)
            .map(|f| (t.nodes[f.label].name.clone(), f.confidence))
            .collect();
        let objects: Vec<(String, f32, f32)> =
            findings::of_objects(t, &seen.objects.unwrap_or_default())
                .iter()
                .filter(|f| f.score > 0.15)
                .map(|f| {
                    (
                        t.nodes[f.label].name.clone(),
                        f.score,
                        f.bounds.unwrap().width * f.bounds.unwrap().height,
                    )
                })
                .collect();
        let classes: Vec<(String, f32)> =
            findings::of_classes(t, &seen.classes.unwrap_or_default())
                .iter()
                .filter(|f| f.score > 0.1)
                .map(|f| (t.nodes[f.label].name.clone(), f.score))
                .collect();
        all.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), serde_json::json!({"answer": found, "ms": ms, "base": base, "objects": objects, "classes": classes}));
    }
    std::fs::write(
        std::env::var_os("DUMP_TO").unwrap(),
        serde_json::to_string(&all).unwrap(),
    )
    .unwrap();
}
